import fc from 'fast-check';
import { expect, test } from 'vitest';
import { longestFirst, type PlannedTest, type SuitePlan, shuffled } from '../../src/suite/index.ts';

const planned = (suite: string, name: string, role?: PlannedTest['role']) =>
  ({ id: `${suite}/${name}`, name, steps: [[]], ...(role ? { role } : {}) }) as unknown as PlannedTest;
const plan = (name: string, tests: PlannedTest[]) =>
  ({ key: name, file: `${name}.gvm.yaml`, name, tests }) as SuitePlan;
const names = (plans: readonly SuitePlan[]) => plans.map(({ name }) => name);

test('what took longest is begun first, and what nobody knows before it', () => {
  const plans = ['short', 'long', 'unknown', 'twice'].map((name) =>
    plan(name, [planned(name, 'a'), ...(name === 'twice' ? [planned(name, 'b')] : [])]),
  );
  const times = { 'short/a': 10, 'long/a': 500, 'twice/a': 30, 'twice/b': 40 };
  expect(names(longestFirst(plans, times))).toEqual(['unknown', 'long', 'twice', 'short']);
});

test('a seed gives one order, with setup and teardown in their places and nothing lost', () => {
  const suites = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(suites, fc.nat(), (counts, seed) => {
      const plans = counts.map((count, i) =>
        plan(`s${i}`, [
          planned(`s${i}`, 'setup', 'setup'),
          ...Array.from({ length: count }, (_, n) => planned(`s${i}`, `t${n}`)),
          planned(`s${i}`, 'teardown', 'teardown'),
        ]),
      );
      const mixed = shuffled(plans, seed);
      expect(shuffled([...plans].reverse(), seed)).toEqual(mixed);
      expect(names(mixed).sort()).toEqual(names(plans).sort());
      for (const { name, tests } of mixed) {
        expect([tests[0]?.role, tests.at(-1)?.role]).toEqual(['setup', 'teardown']);
        const before = plans.find((p) => p.name === name)?.tests ?? [];
        expect(tests.map(({ id }) => id).sort()).toEqual(before.map(({ id }) => id).sort());
      }
    }),
    { numRuns: 30 },
  );
});

test('seeds differ in their orders', () => {
  const plans = [
    plan(
      's',
      Array.from({ length: 10 }, (_, n) => planned('s', `t${n}`)),
    ),
  ];
  const orders = Array.from({ length: 10 }, (_, seed) =>
    shuffled(plans, seed)[0]
      ?.tests.map(({ id }) => id)
      .join(),
  );
  expect(new Set(orders).size).toBe(10);
});
