import type { PlannedTest, SuitePlan } from './plan.ts';

/**
 * The plans with only the tests that say something else than before; a suite whose machine, setup or other key changed
 * has all of its tests changed, and so has any changed suite that is code. Where a test stands does not matter. Pure.
 */
export function changedTests(before: readonly SuitePlan[], after: readonly SuitePlan[]): SuitePlan[] {
  const old = new Map(before.map((plan) => [plan.key, plan]));
  return after
    .map((plan) => {
      const was = old.get(plan.key);
      if (!was || frameOf(was) !== frameOf(plan)) return plan;
      const known = new Set(was.tests.map((test) => meaningOf(test, was)));
      return { ...plan, tests: plan.tests.filter((test) => test.role || !known.has(meaningOf(test, plan))) };
    })
    .filter((plan) => plan.tests.some(({ role }) => role === undefined));
}

/** What a suite says besides its tests. */
function frameOf(plan: SuitePlan): string {
  const { file: _file, sha256: _text, positions: _positions, tests, ...keys } = plan;
  return JSON.stringify([keys, tests.filter(({ role }) => role).map((test) => meaningOf(test, plan))]);
}

/** A test without its place. The body of one that is code is known by its file alone. */
function meaningOf(test: PlannedTest, { sha256 }: SuitePlan): string {
  const { path: _path, position: _position, positions: _positions, source: _source, steps, ...keys } = test;
  const checks = steps.map((step) => step.map(({ path: _where, ...check }) => check));
  return JSON.stringify([keys, checks, checks.length === 0 ? sha256 : '']);
}
