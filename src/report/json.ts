import { type RunRecord, runSchema } from '../schema/index.ts';

/** The run manifest as the text of `run.json`. @throws where the record does not fit its own schema */
export function renderJson(run: RunRecord): string {
  return `${JSON.stringify(runSchema.parse(run), null, 2)}\n`;
}
