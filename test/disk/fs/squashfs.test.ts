import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { squashfs } from '../../../src/disk/fs/squashfs/squashfs.ts';
import { MemorySource } from '../../../src/disk/source/memory.ts';
import { Vfs } from '../../../src/disk/vfs.ts';
import { readsAnything } from '../mutate.ts';
import { readAll } from '../read-all.ts';
import { hostListing, ownListing, plantTree } from '../tree.ts';

const folder = mkdtempSync(join(tmpdir(), 'gvm-squash-'));
const tree = join(folder, 'tree');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const setfattr = (name: string, value: string, path: string) =>
  execFileSync('setfattr', ['-n', name, '-v', value, path], { stdio: 'pipe' });
const hasXattrs = (() => {
  writeFileSync(join(folder, 'probe'), '');
  try {
    setfattr('user.key', 'value', join(folder, 'probe'));
    return true;
  } catch {
    return false;
  }
})();

beforeAll(() => {
  mkdirSync(tree);
  plantTree(tree, 2000);
}, 60_000);

function make(name: string, from: string, options: string[]): Buffer {
  const image = join(folder, name);
  execFileSync('mksquashfs', [from, image, '-noappend', '-no-progress', '-quiet', ...options], { stdio: 'pipe' });
  return readFileSync(image);
}

describe('a tree with every kind of entry', () => {
  it.each([
    ['gzip', []],
    ['lzo', []],
    ['lz4', []],
    ['xz', ['-Xbcj', 'x86', '-b', '64K']],
    ['zstd', ['-b', '1M']],
    ['gzip', ['-noI', '-noD', '-noF']],
    ['gzip', ['-no-fragments', '-b', '4K']],
  ])(
    'compressed by %s %j is what the kernel sees in the folder it was made from',
    async (name, options) => {
      const fs = await squashfs.open(new MemorySource(make(name, tree, ['-comp', name, ...options])));
      expect(fs.features).toEqual([name]);
      expect(await ownListing(new Vfs(fs))).toEqual(hostListing(tree));
    },
    60_000,
  );

  it('has devices, owners and attributes', async () => {
    const small = join(folder, 'small');
    mkdirSync(small);
    writeFileSync(join(small, 'file'), 'x');
    const pseudo = [...['-p', 'block b 600 7 8 259 1000', '-p', 'char c 644 0 0 5 1', '-p', 'pipe i 644 1000 70000 f']];
    const fs = await squashfs.open(new MemorySource(make('pseudo', small, ['-comp', 'gzip', ...pseudo])));
    const vfs = new Vfs(fs);
    expect(await vfs.stat('/block')).toMatchObject({
      type: 'block',
      mode: 0o600,
      uid: 7,
      gid: 8,
      device: { major: 259, minor: 1000 },
    });
    expect(await vfs.stat('/char')).toMatchObject({ type: 'character', device: { major: 5, minor: 1 } });
    expect(await vfs.stat('/pipe')).toMatchObject({ type: 'fifo', uid: 1000, gid: 70000 });
  });

  it.runIf(hasXattrs)('has attributes, long and short, shared and its own', async () => {
    const marked = join(folder, 'marked');
    mkdirSync(marked);
    for (const name of ['a', 'b', 'c']) {
      writeFileSync(join(marked, name), name);
      setfattr('user.same', 'the same value for all, and long enough to be written once', join(marked, name));
    }
    setfattr('user.long', 'v'.repeat(3000), join(marked, 'a'));
    const vfs = new Vfs(await squashfs.open(new MemorySource(make('marked.sq', marked, ['-comp', 'gzip']))));
    const values = async (path: string) =>
      (await (await vfs.resolve(path)).node.xattrs()).map(({ name, value }) => [name.toString(), value.length]).sort();
    expect(await values('/a')).toEqual([
      ['user.long', 3000],
      ['user.same', 58],
    ]);
    expect(await values('/c')).toEqual([['user.same', 58]]);
  });
});

describe('hostile bytes', () => {
  it.each(['gzip', 'lzo', 'lz4', 'xz', 'zstd'])(
    'in %s end in a result or a typed error',
    async (name) => {
      const small = join(folder, `hostile-${name}`);
      mkdirSync(join(small, 'dir'), { recursive: true });
      for (let i = 0; i < 20; i++) writeFileSync(join(small, 'dir', `f${i}`), `${i} `.repeat(i * 200));
      const bytes = make(`${name}.sq`, small, ['-comp', name, '-b', '4K']);
      const tables = Number(bytes.readBigUInt64LE(64));
      await readsAnything(
        bytes,
        [
          [0, 96],
          [96, 4000],
          [tables, bytes.readUInt32LE(40) - tables],
        ],
        async (s) => readAll(await squashfs.open(s)),
        100,
      );
      const plain = make(`${name}.plain`, small, ['-comp', name, '-b', '4K', '-noI', '-noD', '-noF', '-noX']);
      const plainTables = Number(plain.readBigUInt64LE(64));
      await readsAnything(
        plain,
        [
          [0, 96],
          [plainTables, plain.readUInt32LE(40) - plainTables],
        ],
        async (s) => readAll(await squashfs.open(s)),
        100,
      );
    },
    30_000,
  );
});
