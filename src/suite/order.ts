import { createHash } from 'node:crypto';
import type { PlannedTest, SuitePlan } from './plan.ts';
import type { Timings } from './shard.ts';

/**
 * The plans, those first that took longest by these times: what is begun last holds up the end of a run least. One
 * without a time may be long. Pure.
 */
export function longestFirst(plans: readonly SuitePlan[], times: Timings): SuitePlan[] {
  const timeOf = ({ tests }: SuitePlan) =>
    tests.some(({ id, role }) => role === undefined && times[id] === undefined)
      ? Number.POSITIVE_INFINITY
      : tests.reduce((sum, { id }) => sum + (times[id] ?? 0), 0);
  const timed = plans.map((plan) => ({ plan, ms: timeOf(plan) }));
  return timed.sort((a, b) => (a.ms === b.ms ? 0 : b.ms - a.ms)).map(({ plan }) => plan);
}

/**
 * Suites and the tests within each in an order that depends on the seed alone. A setup stays first and a teardown last;
 * the tests of a suite that is code keep their order. Pure.
 */
export function shuffled(plans: readonly SuitePlan[], seed: number): SuitePlan[] {
  const rank = (text: string) => createHash('sha256').update(`${seed}\0${text}`).digest('hex');
  const byRank = <T>(items: readonly T[], name: (item: T) => string): T[] =>
    items
      .map((item) => ({ item, at: rank(name(item)) }))
      .sort((a, b) => (a.at < b.at ? -1 : 1))
      .map(({ item }) => item);
  const mixed = ({ file, tests }: SuitePlan): PlannedTest[] => {
    const those = (role: PlannedTest['role']) => tests.filter((test) => test.role === role);
    if (those(undefined).every(({ steps }) => steps.length === 0)) return tests;
    return [...those('setup'), ...byRank(those(undefined), ({ name }) => `${file}\0${name}`), ...those('teardown')];
  };
  return byRank(plans, ({ key }) => key).map((plan) => ({ ...plan, tests: mixed(plan) }));
}
