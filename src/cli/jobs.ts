import { availableParallelism } from 'node:os';
import { GvmError } from '../errors/index.ts';
import type { Context } from './command.ts';

/** What `-j` says: 1 where it is not given. @throws GvmError `usage` */
export function jobsOf(context: Context): number {
  const text = context.text('jobs') ?? '1';
  if (text === 'auto') return Math.max(1, Math.floor(availableParallelism() / 2));
  const jobs = Number(text);
  if (Number.isInteger(jobs) && jobs >= 1 && jobs <= 64) return jobs;
  throw new GvmError({ code: 'usage', message: `-j takes a number from 1 to 64 or auto, found "${text}"` });
}
