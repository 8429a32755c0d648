import { readFileSync } from 'node:fs';
import { isGvmError } from '../../src/errors/index.ts';
import type { BootRecord } from '../../src/schema/index.ts';
import type { Workshop } from './broken.ts';
import type { DeadBoot } from './dead-boots.ts';

/** What became of a boot that was made to die. */
export interface Provoked {
  code: string;
  message: string;
  details: Partial<BootRecord> & { console?: unknown };
  /** Seconds from the arrival of the last line that shows the cause to the verdict. */
  seconds: number | undefined;
  log: string;
}

/** Boots a broken guest and gives back its end. */
export async function provoke(workshop: Workshop, dead: DeadBoot): Promise<Provoked> {
  const spec = await dead.make(workshop);
  const error = await workshop.bench.lab.start(spec).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!isGvmError(error)) throw error ?? new Error('the guest became ready');
  const details: Provoked['details'] = error.details;
  const { traceMs, diedMs } = details;
  const seconds = traceMs === undefined || diedMs === undefined ? undefined : (diedMs - traceMs) / 1000;
  const log = readFileSync(String(details.console), 'utf8');
  return { code: error.code, message: error.message, details, seconds, log };
}

/** Starts many, some at a time, and gives each one's end by its name. */
export function provokeAll(
  workshop: Workshop,
  table: readonly DeadBoot[],
  atOnce: number,
): ReadonlyMap<string, Promise<Provoked>> {
  const lanes: Promise<unknown>[] = Array.from({ length: atOnce }, () => Promise.resolve());
  return new Map(
    table.map((dead, index) => {
      const end = (lanes[index % atOnce] ?? Promise.resolve()).then(() => provoke(workshop, dead));
      lanes[index % atOnce] = end.catch(() => {});
      end.catch(() => {});
      return [dead.name, end];
    }),
  );
}

/** The table of provoked dead boots, as text. */
export async function tableOf(ends: ReadonlyMap<string, Promise<Provoked>>): Promise<string> {
  const lines = ['stage     cause                blame  seconds  boot'];
  for (const [name, end] of ends) {
    const { details, seconds } = await end.catch(() => ({ details: {} as Provoked['details'], seconds: undefined }));
    const { stage = '?', cause = '?', blame = '?' } = details;
    const time = seconds === undefined ? 'at once' : seconds.toFixed(2);
    lines.push(`${stage.padEnd(9)} ${cause.padEnd(20)} ${blame.padEnd(6)} ${time.padStart(7)}  ${name}`);
  }
  return lines.join('\n');
}
