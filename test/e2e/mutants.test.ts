import { beforeAll, describe, expect, test } from 'vitest';
import { bootsOf, mutants, suiteNames } from './mutants.ts';
import { findInitrd, runMutants, testNames, troubles } from './mutation.ts';

// The mutants of the boot suite, some in each boot. `npm run test:long -- mutants` has each mutant of every suite alone.

let initrd: Buffer;
beforeAll(async () => {
  initrd = await findInitrd();
});

test.each(suiteNames)('each test of suites/%s has a mutant, and no test goes without', (suite) => {
  expect(mutants[suite].map((mutant) => mutant.test).sort()).toEqual(testNames(suite).sort());
});

// Each test of the boot suite passes below in the boots that lack its mutant; the security suite on an unchanged disk is
// a test of offline runs.
test('an unchanged guest passes suites/smoke', async () => {
  const record = await runMutants(initrd, ['smoke'], []);
  expect(troubles(record)).toEqual([]);
  expect(record.exitCode).toBe(0);
});

describe('suites/boot', () => {
  const named = bootsOf(mutants.boot).map((group) => [group.map((m) => m.test).join(' | '), group] as const);
  test.each(named)('%s', async (_names, group) => {
    const record = await runMutants(initrd, ['boot'], group);
    expect(troubles(record).sort()).toEqual(group.map((m) => `failed: ${m.test}`).sort());
    expect(record.exitCode).toBe(1);
  });
});
