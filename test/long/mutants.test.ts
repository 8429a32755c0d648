import { beforeAll, expect, test } from 'vitest';
import { mutants, suiteNames } from '../e2e/mutants.ts';
import { findInitrd, runMutants, troubles } from '../e2e/mutation.ts';

let initrd: Buffer;
beforeAll(async () => {
  initrd = await findInitrd();
});

const all = suiteNames.flatMap((suite) => mutants[suite].map((mutant) => [suite, mutant.test, mutant] as const));

test.each(all)('suites/%s: %s, alone', async (suite, name, mutant) => {
  const record = await runMutants(initrd, [suite], [mutant]);
  expect(troubles(record)).toEqual([`failed: ${name}`]);
  expect(record.exitCode).toBe(1);
});
