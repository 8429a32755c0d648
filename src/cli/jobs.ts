import { availableParallelism } from 'node:os';
import type { AdmissionLimits } from '../engine/index.ts';
import { GvmError } from '../errors/index.ts';
import type { Context } from './command.ts';
import type { OptionName } from './options.ts';

/** What `-j` lets run at once; with `auto` as much as the host has processors free for. @throws GvmError `usage` */
export async function guestsAtOnce(context: Context): Promise<Pick<AdmissionLimits, 'guests' | 'cpus'>> {
  if (context.text('jobs') !== 'auto') return { guests: jobsOf(context) };
  const { freeProcessors } = await import('../host/index.ts');
  const cpus = await freeProcessors();
  return { guests: cpus, cpus };
}

/** What `-j` says: 1 where it is not given. @throws GvmError `usage` */
export function jobsOf(context: Context): number {
  const text = context.text('jobs') ?? '1';
  if (text === 'auto') return Math.max(1, Math.floor(availableParallelism() / 2));
  const jobs = Number(text);
  if (Number.isInteger(jobs) && jobs >= 1 && jobs <= 64) return jobs;
  throw new GvmError({ code: 'usage', message: `-j takes a number from 1 to 64 or auto, found "${text}"` });
}

/** What an option says that counts something. @throws GvmError `usage` */
export function countOf(context: Context, option: OptionName, fallback: 0 | 1): number {
  const text = context.text(option);
  if (text === undefined) return fallback;
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= 1000) return count;
  throw new GvmError({ code: 'usage', message: `--${option} takes a number from 1 to 1000, found "${text}"` });
}
