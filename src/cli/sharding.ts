import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { GvmError } from '../errors/index.ts';
import { type RunRecord, runSchema, shardsSchema } from '../schema/index.ts';
import type { Shard, Timings } from '../suite/index.ts';
import type { Context } from './command.ts';

/** Which part of the tests the command line asks for; undefined for all. @throws GvmError `usage` */
export function shardAsked(context: Context): Shard | undefined {
  const text = context.text('shard');
  if (text === undefined) {
    if (context.text('timings') === undefined) return undefined;
    throw new GvmError({ code: 'usage', message: '--timings says how --shard divides, and there is no --shard' });
  }
  const [, index, total] = /^(\d{1,4})\/(\d{1,4})$/.exec(text)?.map(Number) ?? [];
  if (index && total && index <= total) return { index, total };
  throw new GvmError({ code: 'usage', message: `--shard takes I/N, a part and of how many, found "${text}"` });
}

/**
 * The times that --timings names: of an earlier run, or those that `gvm shards --json` wrote.
 * @throws GvmError `file-missing`, `document-invalid`
 */
export async function timingsAsked(context: Context): Promise<Timings | undefined> {
  const name = context.text('timings');
  if (name === undefined) return undefined;
  const text = await readFile(resolve(context.cwd, name), 'utf8').catch((cause: Error) => {
    throw new GvmError({ code: 'file-missing', message: `${name} cannot be read`, cause });
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const shards = shardsSchema.safeParse(value);
  if (shards.success) return shards.data.times;
  const run = runSchema.safeParse(value);
  if (run.success) return timesOf(run.data);
  const message = `it has no times: it is neither a run.json nor what gvm shards --json writes`;
  throw new GvmError({ code: 'document-invalid', message, position: { file: name, line: 1, column: 1 } });
}

/** What each test of a run took that was not skipped. */
export function timesOf({ suites }: RunRecord): Timings {
  const ran = suites.flatMap(({ tests }) => tests).filter(({ outcome, role }) => outcome !== 'skipped' && !role);
  return Object.fromEntries(ran.map(({ id, durationMs }) => [id, durationMs]));
}
