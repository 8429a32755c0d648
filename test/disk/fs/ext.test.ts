import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openExt } from '../../../src/disk/fs/ext/ext.ts';
import { CachedSource } from '../../../src/disk/source/cached.ts';
import { FileSource } from '../../../src/disk/source/file.ts';
import { MemorySource } from '../../../src/disk/source/memory.ts';
import { Vfs } from '../../../src/disk/vfs.ts';
import { findTool } from '../../../src/process/index.ts';
import { hostListing, ownListing, plantTree } from '../tree.ts';

const folder = mkdtempSync(join(tmpdir(), 'gvm-ext-'));
const planted = join(folder, 'tree');
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const tool = (name: string) => findTool(name) ?? name;

beforeAll(() => {
  mkdirSync(planted);
  plantTree(planted, 2000);
}, 60_000);

/** A file system made by mke2fs, filled by it from a folder, changed by debugfs. */
function make(options: string[], commands: string[] = [], from = planted): string {
  const image = join(folder, 'image.ext');
  writeFileSync(image, '');
  truncateSync(image, 48 * 2 ** 20);
  const env = { ...process.env, MKE2FS_CONFIG: '/dev/null' };
  execFileSync(tool('mke2fs'), ['-q', '-F', '-m', '5', '-N', '4000', ...options, '-d', from, image], {
    env,
    stdio: 'pipe',
  });
  if (commands.length > 0) debugfs(image, commands);
  return image;
}

function debugfs(image: string, commands: string[]): string {
  const script = join(folder, 'script');
  writeFileSync(script, `${commands.join('\n')}\n`);
  return execFileSync(tool('debugfs'), ['-w', '-f', script, image], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

const opened: AsyncDisposable[] = [];
afterEach(async () => {
  for (const source of opened.splice(0)) await source[Symbol.asyncDispose]();
});

async function open(image: string, options = {}) {
  const source = new CachedSource(await FileSource.open(image));
  opened.push(source);
  return openExt(source, options);
}

const EXT4 =
  'has_journal,ext_attr,resize_inode,dir_index,filetype,extent,sparse_super,large_file,huge_file,dir_nlink,extra_isize';
const variants: [string, string[], type: string][] = [
  ['ext2, 1 KiB blocks, 128-byte inodes', ['-t', 'ext2', '-b', '1024', '-I', '128', '-O', 'none,filetype'], 'ext2'],
  ['ext2 without file types', ['-b', '2048', '-I', '256', '-O', 'none,sparse_super'], 'ext2'],
  ['ext3', ['-t', 'ext3', '-b', '4096', '-O', 'none,has_journal,filetype,dir_index,ext_attr,large_file'], 'ext3'],
  ['ext4 with checksums', ['-t', 'ext4', '-b', '4096', '-O', `none,${EXT4},64bit,flex_bg,metadata_csum`], 'ext4'],
  ['ext4 with group checksums', ['-t', 'ext4', '-b', '1024', '-O', `none,${EXT4},uninit_bg`], 'ext4'],
  [
    'ext4 with inline data',
    ['-t', 'ext4', '-b', '1024', '-I', '512', '-O', `none,${EXT4},64bit,metadata_csum,inline_data,ea_inode,large_dir`],
    'ext4',
  ],
  [
    'ext4 with meta groups and a seed',
    ['-b', '1024', '-g', '1024', '-O', 'none,extent,filetype,64bit,meta_bg,metadata_csum,metadata_csum_seed,dir_index'],
    'ext4',
  ],
  [
    'ext4 with clusters',
    ['-b', '1024', '-C', '8192', '-O', 'none,extent,filetype,64bit,bigalloc,sparse_super2'],
    'ext4',
  ],
];

describe('a tree with every kind of entry', () => {
  it.each(variants)(
    'in %s is what the kernel sees in the folder it was made from',
    async (_, options, type) => {
      const image = make(options);
      const fs = await open(image);
      expect(fs.type).toBe(type);
      expect(fs.diagnostics).toEqual([]);
      const own = await ownListing(new Vfs(fs));
      own.delete('/lost+found');
      const host = hostListing(planted);
      // mke2fs forgets the hole at a file's end when it makes inline data.
      if (options.join().includes('inline_data')) for (const l of [own, host]) l.delete('/sizes/ends-with-a-hole');
      expect(own).toEqual(host);
    },
    30_000,
  );
});

describe('what only debugfs can write', () => {
  const empty = join(folder, 'empty');
  let image: string;
  beforeAll(() => {
    mkdirSync(empty);
    mkdirSync(join(empty, 'dir'));
    writeFileSync(join(empty, 'file'), 'content');
    writeFileSync(join(folder, 'value'), Buffer.alloc(4096, 'v'));
    const options = ['-b', '4096', '-I', '256', '-O', `none,${EXT4},64bit,metadata_csum,ea_inode`, '-L', 'läbel'];
    image = make(
      [...options, '-U', '0a6c4c1e-8d5f-4c53-9c1f-6f5e2d6b7a01'],
      [
        'mknod block b 259 1000',
        'mknod char c 5 1',
        'mknod pipe p',
        'ea_set file user.short value',
        'ea_set file security.capability "\\001\\000\\000\\002\\000\\004\\000\\000"',
        `ea_set -f ${join(folder, 'value')} file user.large`,
        `ea_set file user.${'n'.repeat(200)} in-a-block`,
        'set_inode_field file uid 100000',
        'set_inode_field file gid 70001',
        'set_inode_field file mtime @0x7ffffff0',
        'set_inode_field file mtime_extra 0x77359401',
        'set_inode_field file crtime @1',
      ],
      empty,
    );
  });

  it('has labels, features and numbers', async () => {
    const fs = await open(image);
    expect(fs).toMatchObject({ label: 'läbel', uuid: '0a6c4c1e-8d5f-4c53-9c1f-6f5e2d6b7a01', blockSize: 4096 });
    const said = /Filesystem features: +(.*)/
      .exec(debugfs(image, ['stats']))?.[1]
      ?.trim()
      .split(/\s+/);
    expect([...fs.features].sort()).toEqual([...(said ?? [])].sort());
    const usage = await fs.usage();
    const number = (name: string) => Number(new RegExp(`${name}: +(\\d+)`).exec(debugfs(image, ['stats']))?.[1]);
    expect(usage.free).toBe(number('Free blocks') * 4096);
    expect(usage.available).toBe((number('Free blocks') - number('Reserved block count')) * 4096);
    expect([usage.files, usage.freeFiles]).toEqual([number('Inode count'), number('Free inodes')]);
  });

  it('has devices, times after 2038 and large owners', async () => {
    const vfs = new Vfs(await open(image));
    expect(await vfs.stat('/block')).toMatchObject({ type: 'block', device: { major: 259, minor: 1000 } });
    expect(await vfs.stat('/char')).toMatchObject({ type: 'character', device: { major: 5, minor: 1 } });
    expect((await vfs.stat('/pipe')).type).toBe('fifo');
    const stat = await vfs.stat('/file');
    expect(stat).toMatchObject({ uid: 100000, gid: 70001, btime: { seconds: 1 } });
    expect(stat.mtime).toEqual({ seconds: 0x7ffffff0 + 2 ** 32, nanoseconds: 0x77359401 >>> 2 });
  });

  it('has attributes in inodes, blocks and inodes of their own', async () => {
    const { node } = await new Vfs(await open(image)).resolve('/file');
    const values = new Map((await node.xattrs()).map(({ name, value }) => [name.toString(), value.toString('latin1')]));
    expect(values.get('user.short')).toBe('value');
    expect(values.get('user.large')).toBe('v'.repeat(4096));
    expect(values.get(`user.${'n'.repeat(200)}`)).toBe('in-a-block');
    expect(values.has('security.capability')).toBe(true);
    expect(values.size).toBe(4);
  });
});

describe('damage', () => {
  let image: string;
  beforeAll(() => {
    image = join(folder, 'sound.ext');
    copyFileSync(make(['-t', 'ext4', '-b', '4096', '-O', `none,${EXT4},64bit,metadata_csum`]), image);
  });
  const inodeAt = (path: string) => {
    const [, block, offset] = /block (\d+), offset (0x[0-9a-f]+)/i.exec(debugfs(image, [`imap ${path}`])) ?? [];
    return Number(block) * 4096 + Number(offset);
  };
  const damaged = (at: number, bytes: Buffer) => {
    const all = readFileSync(image);
    bytes.copy(all, at);
    return new MemorySource(all);
  };

  it('of an inode is found by its checksum, and read when that is not asked for', async () => {
    const source = damaged(inodeAt('/sizes/100') + 2, Buffer.from([0x39, 0x05]));
    const path = '/sizes/100';
    await expect(new Vfs(await openExt(source)).stat(path)).rejects.toMatchObject({
      code: 'corrupt',
      details: { offset: inodeAt('/sizes/100') + 124 },
    });
    expect((await new Vfs(await openExt(source, { verify: false })).stat(path)).uid).toBe(1337);
  });

  it('of one directory is a line of a walk, and the rest is there', async () => {
    const block = Number(
      /\(0\):(\d+)|\(0-\d+\):(\d+)/
        .exec(debugfs(image, ['stat /many']))
        ?.slice(1)
        .find(Boolean),
    );
    const source = damaged(block * 4096 + 2000, Buffer.from([1, 2, 3, 4]));
    const own = await ownListing(new Vfs(await openExt(source)));
    const trouble = [...own.values()].filter((line) => line.type.startsWith('trouble'));
    expect(trouble).toHaveLength(1);
    expect(own.get('/sizes/100')?.type).toBe('file');
  });

  it('of the superblock is corrupt, and an unknown feature unsupported by name', async () => {
    await expect(openExt(damaged(1024 + 200, Buffer.from([1])))).rejects.toMatchObject({
      code: 'corrupt',
      message: 'ext superblock at offset 2044: the checksum of the superblock is wrong',
    });
    const next = damaged(1024 + 98, Buffer.from([0x08]));
    await expect(openExt(next, { verify: false })).rejects.toMatchObject({
      code: 'unsupported',
      details: { feature: 'the feature FEATURE_I_0x80000' },
    });
    const packed = damaged(1024 + 96, Buffer.from([0xc3]));
    await expect(openExt(packed, { verify: false })).rejects.toThrow('the feature compression');
  });

  it('by truncation is corrupt', async () => {
    const short = new MemorySource(readFileSync(image).subarray(0, 2 ** 20));
    await expect(openExt(short)).rejects.toMatchObject({ code: 'corrupt' });
  });
});
