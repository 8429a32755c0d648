import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTree, readLayout } from '../../src/disk/index.ts';
import { CachedSource } from '../../src/disk/source/cached.ts';
import { FileSource } from '../../src/disk/source/file.ts';
import { ownListing, plantTree } from '../disk/tree.ts';
import { families, tools } from './file-systems/cases.ts';
import { type MadeDisk, makeDisks } from './volumes/guest.ts';
import { differences, kernelListing, kernelXattrs, ownXattrs } from './volumes/oracle.ts';

// Every kind of file system, written by a kernel in a guest of gvm's own or by its tools there, and read by that kernel:
// what its find, stat, sha256sum and getfattr say of more than two thousand files is what must be read. No root is needed.
describe.each(Object.entries(families))('%s', (_, cases) => {
  const folder = mkdtempSync(join(tmpdir(), 'gvm-file-systems-'));
  let made: Map<string, MadeDisk>;
  beforeAll(async () => {
    const tree = join(folder, 'tree');
    mkdirSync(tree);
    plantTree(tree, 2000);
    made = await makeDisks(folder, cases, tree, tools);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each(cases.map((one) => [one.name, one] as const))('%s', async (name, { read, type }) => {
    const { path, oracle } = made.get(name) as MadeDisk;
    await using source = new CachedSource(await FileSource.open(path));
    const layout = await readLayout(source);
    const { vfs, mounts, diagnostics } = await openTree(layout, read);
    expect(mounts[0]?.volume.content).toBe(type);
    expect(diagnostics).toEqual([]);
    const listing = kernelListing(oracle, name);
    expect(listing.size).toBeGreaterThan(2000);
    expect(differences(await ownListing(vfs), listing)).toEqual([]);
    expect(differences(await ownXattrs(vfs), kernelXattrs(oracle, name))).toEqual([]);
  });
});
