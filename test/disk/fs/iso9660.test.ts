import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { iso9660 } from '../../../src/disk/fs/iso9660/iso9660.ts';
import { MemorySource } from '../../../src/disk/source/memory.ts';
import { Vfs } from '../../../src/disk/vfs.ts';
import { readsAnything } from '../mutate.ts';
import { readAll } from '../read-all.ts';
import { hostListing, type Line, ownListing, plantTree } from '../tree.ts';

const folder = mkdtempSync(join(tmpdir(), 'gvm-iso-'));
const tree = join(folder, 'tree');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

beforeAll(() => {
  mkdirSync(tree);
  plantTree(tree, 2000);
}, 60_000);

function make(tool: string[], from: string, options: string[]): Buffer {
  const image = join(folder, 'image.iso');
  rmSync(image, { force: true });
  execFileSync(tool[0] ?? '', [...tool.slice(1), ...options, '-o', image, from], { stdio: 'pipe' });
  return readFileSync(image);
}

const open = (bytes: Buffer) => iso9660.open(new MemorySource(bytes));
const withoutLinks = (lines: Map<string, Line>) =>
  new Map([...lines].map(([path, { nlink: _, ...line }]) => [path, line] as const));

describe('Rock Ridge', () => {
  it.each([
    ['xorriso', ['xorriso', '-as', 'mkisofs', '-quiet']],
    [
      'genisoimage, with folders moved up',
      ['genisoimage', '-quiet', '-input-charset', 'iso8859-1', '-output-charset', 'iso8859-1'],
    ],
  ])(
    'by %s is what the kernel sees in the folder it was made from',
    async (name, tool) => {
      const fs = await open(make(tool, tree, ['-R', '-V', 'GVM']));
      expect(fs).toMatchObject({ label: 'GVM', features: ['rock ridge'] });
      const own = withoutLinks(await ownListing(new Vfs(fs)));
      own.delete('/rr_moved');
      const host = withoutLinks(hostListing(tree));
      expect(own).toEqual(host);
      expect(name).toBeTruthy();
    },
    60_000,
  );
});

describe('without Rock Ridge', () => {
  const small = join(folder, 'small');
  beforeAll(() => {
    mkdirSync(join(small, 'Sub Folder'), { recursive: true });
    writeFileSync(join(small, 'Sub Folder', 'größer als acht.text'), 'joliet');
    writeFileSync(join(small, 'README.TXT'), 'plain');
  });

  it('Joliet names are read', async () => {
    const fs = await open(make(['xorriso', '-as', 'mkisofs', '-quiet'], small, ['-J', '--norock']));
    expect(fs.features).toEqual(['joliet']);
    expect((await new Vfs(fs).readFile('/Sub Folder/größer als acht.text')).toString()).toBe('joliet');
  });

  it('plain names are read as Linux shows them', async () => {
    const fs = await open(make(['xorriso', '-as', 'mkisofs', '-quiet'], small, ['--norock']));
    expect(fs.features).toEqual(['plain']);
    expect((await new Vfs(fs).readFile('/readme.txt')).toString()).toBe('plain');
  });

  it('ends in a result or a typed error whatever it holds', async () => {
    for (const options of [['-R'], ['-J', '--norock']]) {
      const bytes = make(['xorriso', '-as', 'mkisofs', '-quiet'], small, options);
      await readsAnything(
        bytes,
        [
          [16 * 2048, 3 * 2048],
          [18 * 2048, Math.min(40, bytes.length / 2048 - 20) * 2048],
        ],
        async (s) => readAll(await iso9660.open(s)),
        150,
      );
    }
  }, 30_000);
});
