import { createHash } from 'node:crypto';
import type { PlannedTest, SuitePlan } from './plan.ts';

/** One of several parts of a plan, counted from 1. */
export interface Shard {
  index: number;
  total: number;
}

/** Milliseconds of tests, by their ids. */
export type Timings = Readonly<Record<string, number>>;

/** A plan as each of its shards records it. */
export interface PlanDigest {
  /** SHA-256 over the files of the suites and the ids of the tests. */
  plan: string;
  /** The ids of all tests, in order, with those of setups and teardowns. */
  tests: string[];
}

/** What all shards of one plan have in common. */
export function digestOf(plans: readonly SuitePlan[]): PlanDigest {
  const parts = plans.map(({ file, sha256, tests }) => [file, sha256, tests.map(({ id }) => id)]);
  return {
    plan: createHash('sha256').update(JSON.stringify(parts)).digest('hex'),
    tests: plans.flatMap(({ tests }) => tests.map(({ id }) => id)),
  };
}

/**
 * The plans with the tests of one shard; suites without any are left out, setups and teardowns stay with their suites.
 * Without times a hash of file and test divides, so that a new test moves no other one; with times the longest test goes
 * to the shard that has least to do, and one without a time counts as the middle one. Nothing else decides. Pure.
 */
export function shardOf(plans: readonly SuitePlan[], { index, total }: Shard, timings?: Timings): SuitePlan[] {
  const own = timings ? byTimes(plans, total, timings) : byHash(plans, total);
  return plans
    .map((plan) => ({
      ...plan,
      tests: plan.tests.filter((test) => test.role !== undefined || own.get(test.id) === index),
    }))
    .filter((plan) => testsOf(plan).length > 0);
}

function byHash(plans: readonly SuitePlan[], total: number): Map<string, number> {
  const place = (file: string, id: string) =>
    createHash('sha256').update(`${file}\0${id}`).digest().readUInt32BE(0) % total;
  return new Map(plans.flatMap((plan) => testsOf(plan).map(({ id }) => [id, place(plan.file, id) + 1])));
}

function byTimes(plans: readonly SuitePlan[], total: number, timings: Timings): Map<string, number> {
  const known = Object.values(timings).sort((a, b) => a - b);
  const middle = known[Math.floor(known.length / 2)] ?? 1;
  const tests = plans.flatMap(testsOf).map(({ id }) => ({ id, ms: timings[id] ?? middle }));
  tests.sort((a, b) => b.ms - a.ms || (a.id < b.id ? -1 : 1));
  const loads = Array.from({ length: total }, () => 0);
  return new Map(
    tests.map(({ id, ms }) => {
      const least = loads.indexOf(Math.min(...loads));
      loads[least] = (loads[least] ?? 0) + ms;
      return [id, least + 1];
    }),
  );
}

/** The tests of a plan without its setups and teardowns. */
function testsOf({ tests }: SuitePlan): PlannedTest[] {
  return tests.filter(({ role }) => role === undefined);
}
