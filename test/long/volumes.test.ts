import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTree, readLayout } from '../../src/disk/index.ts';
import { CachedSource } from '../../src/disk/source/cached.ts';
import { FileSource } from '../../src/disk/source/file.ts';
import { ownListing, plantTree } from '../disk/tree.ts';
import { families } from './volumes/cases.ts';
import { type MadeDisk, makeDisks } from './volumes/guest.ts';
import { differences, kernelListing, kernelXattrs, ownXattrs } from './volumes/oracle.ts';

// Arrays, logical volumes and encrypted volumes with a tree of two thousand files, written by a kernel in a guest of gvm's
// own, with the tools of Debian. What that kernel's find, stat, sha256sum and getfattr say is what must be read.
const key = Buffer.from('passphrase');

describe.each(Object.entries(families))('%s', (_, cases) => {
  const folder = mkdtempSync(join(tmpdir(), 'gvm-volumes-'));
  let made: Map<string, MadeDisk>;
  beforeAll(async () => {
    const tree = join(folder, 'tree');
    mkdirSync(tree);
    plantTree(tree, 2000);
    made = await makeDisks(folder, cases, tree);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const volumes = cases.flatMap((one) =>
    Object.entries(one.volumes).map(([volume, said]) => [one.name, volume, said] as const),
  );
  test.each(volumes)('%s: %s', async (name, volume, said) => {
    const { path, oracle } = made.get(name) as MadeDisk;
    await using source = new CachedSource(await FileSource.open(path));
    const layout = await readLayout(source, { keys: [key] });
    if (said.refused) {
      const error = { code: 'unsupported', message: expect.stringContaining(said.refused) };
      await expect(openTree(layout, volume)).rejects.toMatchObject(error);
      return;
    }
    const { vfs } = await openTree(layout, volume);
    expect(layout.volumes.find((one) => one.name === volume)).toMatchObject({ how: said.how, diagnostics: [] });
    const listing = kernelListing(oracle, said.as);
    expect(listing.size).toBeGreaterThan(2000);
    expect(differences(await ownListing(vfs), listing)).toEqual([]);
    expect(differences(await ownXattrs(vfs), kernelXattrs(oracle, said.as))).toEqual([]);
  });
});
