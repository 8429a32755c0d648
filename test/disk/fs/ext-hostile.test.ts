import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openExt } from '../../../src/disk/fs/ext/ext.ts';
import { MemorySource } from '../../../src/disk/source/memory.ts';
import { Vfs } from '../../../src/disk/vfs.ts';
import { findTool } from '../../../src/process/index.ts';
import { readsAnything } from '../mutate.ts';
import { readAll } from '../read-all.ts';
import { ownListing } from '../tree.ts';
import { repairExt, type SmallExt } from './ext-repair.ts';

const folder = mkdtempSync(join(tmpdir(), 'gvm-ext-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const tool = (name: string) => findTool(name) ?? name;
const UUID = '0a6c4c1e-8d5f-4c53-9c1f-6f5e2d6b7a01';

function debugfs(image: string, commands: string[]): string {
  const script = join(folder, 'script');
  writeFileSync(script, `${commands.join('\n')}\n`);
  return execFileSync(tool('debugfs'), ['-w', '-f', script, image], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

/** A small file system with a bit of everything. */
function small(name: string, options: string[], size = 1024): string {
  const tree = join(folder, `${name}.d`);
  mkdirSync(join(tree, 'dir/sub'), { recursive: true });
  for (let i = 0; i < 30; i++) writeFileSync(join(tree, 'dir', `file-${i}`), `${i}\n`.repeat(i * 20));
  writeFileSync(join(tree, 'large'), Buffer.alloc(40_000, 'x'));
  symlinkSync('dir/file-3', join(tree, 'link'));
  symlinkSync(`dir/${'./'.repeat(80)}file-3`, join(tree, 'slow'));
  const image = join(folder, name);
  writeFileSync(image, '');
  truncateSync(image, size * 1024);
  const env = { ...process.env, MKE2FS_CONFIG: '/dev/null' };
  execFileSync(tool('mke2fs'), ['-q', '-F', '-b', '1024', '-N', '64', '-U', UUID, ...options, '-d', tree, image], {
    env,
    stdio: 'pipe',
  });
  debugfs(image, ['ea_set large user.key value', `ea_set large user.${'k'.repeat(180)} block`]);
  return image;
}

describe('hostile bytes', () => {
  const image = small('summed', ['-I', '256', '-O', 'none,extent,filetype,64bit,metadata_csum,ext_attr,dir_index']);
  const layout = debugfs(image, ['stats']);
  const table = Number(/inode table at (\d+)/.exec(layout)?.[1]);
  const block = (path: string) => Number(/\(0(?:-\d+)?\):(\d+)/.exec(debugfs(image, [`stat ${path}`]))?.[1]);
  const ino = (path: string) => Number(/Inode: (\d+)/.exec(debugfs(image, [`stat ${path}`]))?.[1]);
  const fs: SmallExt = {
    inodeTable: table * 1024,
    inodes: 64,
    uuid: Buffer.from(UUID.replaceAll('-', ''), 'hex'),
    directories: ['/', '/dir/sub'].map((path) => ({ block: block(path), ino: ino(path) })),
  };
  const places = [
    [1024, 400],
    [2048, 64],
    [fs.inodeTable, 64 * 256],
    [block('/') * 1024, 1024],
    [block('/dir') * 1024, 1024],
    [block('/dir/sub') * 1024, 1024],
  ] as const;

  it('end in a result or a typed error, checksums right or wrong', async () => {
    const good = readFileSync(image);
    expect(await readAll(await openExt(new MemorySource(good)))).toBeGreaterThan(35);
    await readsAnything(
      good,
      places,
      async (s) => readAll(await openExt(s)),
      250,
      (b) => repairExt(b, fs),
    );
  }, 30_000);

  it('end so in block maps too', async () => {
    const old = small('mapped', ['-I', '128', '-O', 'none,filetype,ext_attr']);
    const stats = debugfs(old, ['stats', 'stat /large']);
    const at = Number(/inode table at (\d+)/.exec(stats)?.[1]) * 1024;
    const map = Number(/\(IND\):(\d+)/.exec(stats)?.[1]) * 1024;
    const where = [
      [1024, 400],
      [2048, 32],
      [at, 64 * 128],
      [map, 1024],
    ] as const;
    await readsAnything(readFileSync(old), where, async (s) => readAll(await openExt(s)), 250);
  }, 30_000);

  it('cannot make a map that never ends', async () => {
    const old = join(folder, 'mapped');
    const bytes = readFileSync(old);
    const stats = debugfs(old, ['stats', 'stat /large']);
    const map = Number(/\(IND\):(\d+)/.exec(stats)?.[1]);
    const raw =
      Number(/inode table at (\d+)/.exec(stats)?.[1]) * 1024 + (Number(/Inode: (\d+)/.exec(stats)?.[1]) - 1) * 128;
    bytes.writeUInt32LE(map, raw + 40 + 14 * 4);
    bytes.writeUInt32LE(2 ** 30, raw + 4);
    for (let i = 0; i < 256; i++) bytes.writeUInt32LE(map, map * 1024 + i * 4);
    const { node } = await new Vfs(await openExt(new MemorySource(bytes))).resolve('/large');
    const all = async () => {
      for await (const _ of node.extents());
    };
    await expect(all()).rejects.toThrow('more nodes than the file system has blocks');
  });

  it('cannot make a folder that stands in itself', async () => {
    const image = small('loop', ['-O', 'none,filetype']);
    debugfs(image, ['ln <2> dir/sub/up', 'ln dir dir/sub/again']);
    const own = await ownListing(new Vfs(await openExt(new MemorySource(readFileSync(image)))));
    expect(own.get('/dir/sub/up')?.type).toContain('stands in another place');
    expect(own.get('/dir/sub/again')?.type).toContain('stands in another place');
    expect(own.get('/dir/file-7')?.type).toBe('file');
  });
});

describe('a dirty journal', () => {
  const features = 'none,has_journal,extent,filetype,64bit';
  it.each([
    ['checksums of version 3', `${features},metadata_csum`, 3],
    ['checksums of version 2', `${features},metadata_csum`, 2],
    // debugfs sums a revocation as no one else does: e2fsck and the kernel stop before it, and so does gvm.
    ['checksums of version 1', features, 1],
    ['no checksums', features, 0],
    ['32-bit numbers', 'none,has_journal,filetype', 0],
  ])('with %s is replayed as e2fsck replays it', async (name, options, version) => {
    const image = small(`journal-${name}`, ['-O', options, '-J', 'size=1'], 4096);
    const first = Number(/\(0(?:-\d+)?\):(\d+)/.exec(debugfs(image, ['stat /large']))?.[1]);
    const written = join(folder, 'written');
    // The second block begins as a journal block does, so it is written escaped.
    writeFileSync(
      written,
      Buffer.concat([Buffer.alloc(1024, 'A'), Buffer.from('c03b3998', 'hex'), Buffer.alloc(1020, 'B')]),
    );
    const later = join(folder, 'later');
    writeFileSync(later, Buffer.alloc(1024, 'C'));
    debugfs(image, [
      version > 0 ? `jo -c -v ${version}` : 'jo',
      `jw -b ${first},${first + 1} ${written}`,
      `jw -b ${first + 2},${first + 5} ${written}`,
      `jw -r ${first + 5}`,
      `jw -b ${first + 2} ${later}`,
      'jc',
    ]);
    const fs = await openExt(new MemorySource(readFileSync(image)));
    const count = version === 1 ? 2 : 4;
    expect(fs.diagnostics[0]?.message).toBe(
      `it was not unmounted; ${count} transactions of its journal were replayed in memory`,
    );
    const own = await new Vfs(fs).readFile('/large');
    const replayed = join(folder, 'replayed');
    copyFileSync(image, replayed);
    try {
      execFileSync(tool('e2fsck'), ['-fy', '-E', 'journal_only', replayed], { stdio: 'pipe' });
    } catch {
      // It ends with 1 when it has replayed something.
    }
    const after = await openExt(new MemorySource(readFileSync(replayed)));
    expect(after.diagnostics).toEqual([]);
    const oracle = await new Vfs(after).readFile('/large');
    expect(own.equals(oracle)).toBe(true);
    expect(
      [...own.subarray(0, 6144)]
        .filter((_, i) => i % 1024 === 5)
        .map((b) => String.fromCharCode(b))
        .join(''),
    ).toBe(version === 1 ? 'ABAxxB' : 'ABCxxx');
    expect(own.subarray(1024, 1028).toString('hex')).toBe('c03b3998');
  });

  it('with a wrong checksum is left out from there on', async () => {
    const bytes = readFileSync(join(folder, 'journal-checksums of version 3'));
    const at = bytes.indexOf(Buffer.alloc(1024, 'C'));
    bytes[at + 9] = 0;
    const fs = await openExt(new MemorySource(bytes));
    expect(fs.diagnostics.map((d) => d.message).join('\n')).toMatch(
      /3 transactions[\s\S]*left out: block \d+ has a wrong checksum/,
    );
  });
});
