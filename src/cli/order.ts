import { randomInt } from 'node:crypto';
import { GvmError } from '../errors/index.ts';
import { openRecords } from '../report/index.ts';
import { longestFirst, type SuitePlan, shuffled } from '../suite/index.ts';
import type { Context } from './command.ts';
import { timesOf } from './sharding.ts';

/** Seeds are small enough to be typed. */
const SEEDS = 1_000_000;

/** The plans as reports show them, the order in which they are begun, and the seed of a random one. */
export interface Ordered {
  plans: readonly SuitePlan[];
  order: readonly SuitePlan[];
  seed?: number;
}

/**
 * Orders plans as the command line asks. Without a word of it several jobs begin with what took longest in the last run
 * that is remembered. @throws GvmError `usage`
 */
export async function orderAsked(context: Context, plans: readonly SuitePlan[]): Promise<Ordered> {
  const asked = context.text('order') ?? (context.text('jobs') === undefined ? 'written' : 'longest');
  const seed = seedAsked(context);
  if (seed !== undefined && asked !== 'random') {
    throw new GvmError({ code: 'usage', message: '--seed repeats a random order: say --order random too' });
  }
  if (asked === 'written') return { plans, order: plans };
  if (asked === 'random') {
    const number = seed ?? randomInt(SEEDS);
    context.log.info(`in a random order: repeat it with --order random --seed ${number}`);
    const mixed = shuffled(plans, number);
    return { plans: mixed, order: mixed, seed: number };
  }
  const [last] = await openRecords((await context.state()).home, (await context.settings()).root).list();
  return { plans, order: last ? longestFirst(plans, timesOf(last)) : plans };
}

function seedAsked(context: Context): number | undefined {
  const text = context.text('seed');
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new GvmError({ code: 'usage', message: `--seed takes a number, found "${text}"` });
}
