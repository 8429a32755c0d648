import { beforeAll, expect, test } from 'vitest';
import { mutants } from '../e2e/mutants.ts';
import { findInitrd, runMutants, troubles } from '../e2e/mutation.ts';

let initrd: Buffer;
beforeAll(async () => {
  initrd = await findInitrd();
});

test.each(mutants.map((mutant) => [mutant.test, mutant] as const))('%s, alone', async (name, mutant) => {
  const record = await runMutants(initrd, [mutant]);
  expect(troubles(record)).toEqual([`failed: ${name}`]);
  expect(record.exitCode).toBe(1);
});
