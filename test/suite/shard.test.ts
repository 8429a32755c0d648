import fc from 'fast-check';
import { expect, test } from 'vitest';
import { builtins, compileSuite, digestOf, type SuitePlan, shardOf } from '../../src/suite/index.ts';

/** Suites with a setup and so many tests each. */
const plansOf = (counts: readonly number[]): SuitePlan[] =>
  counts.map((count, i) => {
    const tests = Array.from({ length: count }, (_, n) => `  - { name: t${n}, kernel: { taint: 0 } }\n`).join('');
    const text = `suite: s${i}\nsetup:\n  - command: { run: "true" }\ntests:\n${tests}`;
    return compileSuite(text, `s${i}.gvm.yaml`, builtins);
  });
const ids = (plans: readonly SuitePlan[]) =>
  plans.flatMap(({ tests }) => tests.filter(({ role }) => !role).map(({ id }) => id));

const counts = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 5 });
const total = fc.integer({ min: 1, max: 7 });
const all = (n: number) => Array.from({ length: n }, (_, i) => ({ index: i + 1, total: n }));

test('every test is in one shard, in the order of the plan, behind the setup of its suite', () => {
  fc.assert(
    fc.property(counts, total, fc.boolean(), (sizes, n, timed) => {
      const plans = plansOf(sizes);
      const times = timed ? Object.fromEntries(ids(plans).map((id, i) => [id, (i * 7919) % 100])) : undefined;
      const shards = all(n).map((shard) => shardOf(plans, shard, times));
      expect(shards.flatMap(ids).sort()).toEqual(ids(plans).sort());
      for (const shard of shards) {
        const own = new Set(ids(shard));
        expect([...own]).toEqual(ids(plans).filter((id) => own.has(id)));
        expect(shard.every((plan) => plan.tests[0]?.role === 'setup')).toBe(true);
      }
    }),
    { numRuns: 30 },
  );
});

test('without times a new test moves no other one', () => {
  const before = all(4).map((shard) => ids(shardOf(plansOf([20, 10]), shard)));
  const after = all(4).map((shard) => ids(shardOf(plansOf([21, 10]), shard)));
  expect(after.map((names) => names.filter((id) => id !== 's0/t20'))).toEqual(before);
});

test('with times no shard has more to do than another by more than one test', () => {
  fc.assert(
    fc.property(total, fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 8, maxLength: 30 }), (n, ms) => {
      const plans = plansOf([ms.length]);
      const times = Object.fromEntries(ids(plans).map((id, i) => [id, ms[i] ?? 0]));
      const loads = all(n).map((s) => ids(shardOf(plans, s, times)).reduce((sum, id) => sum + (times[id] ?? 0), 0));
      expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(Math.max(...ms));
    }),
    { numRuns: 30 },
  );
});

test('the digest is of the plan: another test, or another text of a suite, is another plan', () => {
  const { plan, tests } = digestOf(plansOf([2]));
  expect(plan).toBe(digestOf(plansOf([2])).plan);
  expect(tests.slice(-2)).toEqual(['s0/t0', 's0/t1']);
  expect(digestOf(plansOf([3])).plan).not.toBe(plan);
  expect(digestOf(plansOf([2]).map((p) => ({ ...p, sha256: 'other' }))).plan).not.toBe(plan);
});
