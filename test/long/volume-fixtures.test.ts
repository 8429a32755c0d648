import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readLayout } from '../../src/disk/index.ts';
import { FileSource } from '../../src/disk/source/file.ts';
import type { BlockSource } from '../../src/disk/source/source.ts';
import { fixturePages, fixturePath, packDisk, sparseSource } from '../disk/volume/fixture.ts';
import { tools } from './file-systems/cases.ts';
import { type MadeDisk, makeDisks } from './volumes/guest.ts';
import { richCases, richShell } from './volumes/rich.ts';
import { smallCases } from './volumes/small.ts';

// Makes the small disks of test/fixtures/volumes anew. What is kept there must show the same volumes; GVM_UPDATE=1 keeps the
// new ones instead.

async function volumesOf(source: BlockSource) {
  const { volumes } = await readLayout(source);
  return volumes.map(({ name, how, content, on, fs }) => ({ name, how, content, on, label: fs?.label }));
}

describe.each([
  ['volumes', smallCases, undefined],
  ['file systems', richCases, { ...tools, shell: richShell }],
] as const)('%s', (_, cases, more) => {
  const folder = mkdtempSync(join(tmpdir(), 'gvm-volume-fixtures-'));
  let made: Map<string, MadeDisk>;
  beforeAll(async () => {
    mkdirSync(join(folder, 'tree'));
    made = await makeDisks(folder, cases, join(folder, 'tree'), more);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each(cases.map(({ name }) => name))('%s', async (name) => {
    const path = made.get(name)?.path ?? '';
    if (process.env.GVM_UPDATE === '1') writeFileSync(fixturePath(name), packDisk(path));
    await using source = await FileSource.open(path);
    expect(await volumesOf(sparseSource(fixturePages(name)))).toEqual(await volumesOf(source));
  });
});
