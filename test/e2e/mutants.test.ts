import { beforeAll, describe, expect, test } from 'vitest';
import { mutants } from './mutants.ts';
import { findInitrd, runMutants, testNames, troubles } from './mutation.ts';

/** The mutants stand in a grid; a boot has those of one row or of one column. */
const COLUMNS = 4;

// Two mutants share at most one boot. So where in each boot exactly its own tests fail, each mutant makes its own test
// fail and no other: one that another test feels would be seen in the boot of its row or in that of its column.
const rows = Array.from({ length: Math.ceil(mutants.length / COLUMNS) }, (_, row) =>
  mutants.filter((_mutant, i) => Math.floor(i / COLUMNS) === row),
);
const columns = Array.from({ length: COLUMNS }, (_, column) => mutants.filter((_mutant, i) => i % COLUMNS === column));

describe('each test of suites/boot has a mutant', () => {
  let initrd: Buffer;
  beforeAll(async () => {
    initrd = await findInitrd();
  });

  test('and no test goes without', () => {
    expect(mutants.map((mutant) => mutant.test).sort()).toEqual([...testNames].sort());
  });

  test('an unchanged guest passes all', async () => {
    const record = await runMutants(initrd, []);
    expect(troubles(record)).toEqual([]);
    expect(record.exitCode).toBe(0);
  });

  test.each([...rows, ...columns].map((group) => [group.map((m) => m.test).join(' | '), group] as const))(
    '%s',
    async (_names, group) => {
      const record = await runMutants(initrd, group);
      expect(troubles(record).sort()).toEqual(group.map((m) => `failed: ${m.test}`).sort());
      expect(record.exitCode).toBe(1);
    },
  );
});
