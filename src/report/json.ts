import { type RunRecord, runSchema } from '../schema/index.ts';
import type { Reporter } from './reporter.ts';

export const json: Reporter = {
  name: 'json',
  about: 'the run manifest, in run.json; always written',
  outputs: [{ to: { file: 'run.json' }, render: renderJson }],
};

/**
 * The run manifest as the text of `run.json`: what the published schema knows, nothing else. A record that does not
 * fit it is a defect of gvm; it is written all the same and says so, for a run without its report is worth nothing.
 */
export function renderJson(run: RunRecord): string {
  const { success, data, error } = runSchema.safeParse(run);
  return `${JSON.stringify(success ? data : withDefect(run, error.issues[0]), null, 2)}\n`;
}

function withDefect(run: RunRecord, issue: { path: PropertyKey[]; message: string } | undefined): RunRecord {
  const message = `this record does not fit its own schema: ${issue?.path.map(String).join('.')}: ${issue?.message}`;
  return { ...run, errors: [...(run.errors ?? []), { code: 'internal', message, blame: 'unknown' }] };
}
