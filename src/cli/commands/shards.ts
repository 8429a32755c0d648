import { formatDuration } from '../../core/index.ts';
import { GvmError } from '../../errors/index.ts';
import { runOwned } from '../../lab/index.ts';
import type { Shards } from '../../schema/index.ts';
import { digestOf, type SuitePlan, shardOf, type Timings } from '../../suite/index.ts';
import type { Command, Context } from '../command.ts';
import { languageOf, selectionOptions, selectPlans } from '../selection.ts';
import { timingsAsked } from '../sharding.ts';

/** How many shards are asked for, and the words that follow. @throws GvmError `usage` */
function countAsked([text = '', ...paths]: readonly string[]): { total: number; paths: string[] } {
  const total = Number(text);
  if (/^\d{1,4}$/.test(text) && total >= 1) return { total, paths };
  throw new GvmError({ code: 'usage', message: `gvm shards takes the number of shards first, found "${text}"` });
}

function divide(plans: readonly SuitePlan[], total: number, timings: Timings | undefined): Shards {
  const ids = plans.flatMap(({ tests }) => tests.map(({ id }) => id));
  const times = Object.fromEntries(
    ids.flatMap((id) => (timings?.[id] === undefined ? [] : ([[id, timings[id]]] as const))),
  );
  const shards = Array.from({ length: total }, (_, i) => {
    const own = shardOf(plans, { index: i + 1, total }, timings);
    const tests = own.flatMap((plan) => plan.tests.filter(({ role }) => role === undefined));
    const ms = tests.reduce((sum, { id }) => sum + (times[id] ?? 0), 0);
    return { shard: `${i + 1}/${total}`, tests: tests.length, ...(timings ? { ms } : {}) };
  });
  return { version: 1, plan: digestOf(plans).plan, shards, times };
}

function render({ shards }: Shards): string {
  const line = ({ shard, tests, ms }: Shards['shards'][number]) =>
    `${shard}  ${tests} tests${ms === undefined ? '' : `  ${formatDuration(ms)}`}`;
  return shards.map(line).join('\n');
}

async function run(context: Context): Promise<number> {
  const { total, paths } = countAsked(context.words);
  const timings = await timingsAsked(context);
  return await runOwned(async ({ signal }) => {
    const plans = await selectPlans({ ...context, words: paths }, await languageOf(context), signal);
    context.show(divide(plans, total, timings), render);
    return 0;
  });
}

export const shards: Command = {
  usage: 'N [PATH…]',
  about:
    'Says how gvm test --shard I/N divides the tests of these suites. With --timings, an earlier run.json, the shards take about the\nsame time; --json writes what each job of a CI matrix then gives to --timings, so that all of them divide alike.',
  options: ['timings', ...selectionOptions],
  completes: 'suites',
  examples: [
    ['gvm shards 4', 'how many tests each of four shards has'],
    ['gvm shards 4 --timings last/run.json --json > shards.json', 'once, before the jobs'],
  ],
  words: [1, 1000],
  run,
};
