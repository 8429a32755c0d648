import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { crc32c } from '../../../src/core/index.ts';
import { btrfs } from '../../../src/disk/fs/btrfs/btrfs.ts';
import { CachedSource } from '../../../src/disk/source/cached.ts';
import { FileSource } from '../../../src/disk/source/file.ts';
import { MemorySource } from '../../../src/disk/source/memory.ts';
import { Vfs } from '../../../src/disk/vfs.ts';
import { findTool } from '../../../src/process/index.ts';
import { readsAnything } from '../mutate.ts';
import { readAll } from '../read-all.ts';
import { hostListing, ownListing, plantTree } from '../tree.ts';

const folder = mkdtempSync(join(tmpdir(), 'gvm-btrfs-'));
const tree = join(folder, 'tree');
const tool = (name: string) => findTool(name) ?? name;
const SIZE = 256 * 2 ** 20;

beforeAll(() => {
  mkdirSync(tree);
  plantTree(tree, 2000);
}, 60_000);
const opened: AsyncDisposable[] = [];
afterEach(async () => {
  for (const source of opened.splice(0)) await source[Symbol.asyncDispose]();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function make(options: string[], from = tree): string {
  const image = join(folder, 'image.btrfs');
  rmSync(image, { force: true });
  writeFileSync(image, '');
  truncateSync(image, SIZE);
  execFileSync(tool('mkfs.btrfs'), ['-q', '-f', '-L', 'gvm-btrfs', ...options, '--rootdir', from, image], {
    stdio: 'pipe',
  });
  return image;
}

async function open(image: string) {
  const source = new CachedSource(await FileSource.open(image));
  opened.push(source);
  return { source, fs: await btrfs.open(source) };
}

describe('a tree with every kind of entry', () => {
  it.each([
    ['DUP metadata and single data', []],
    ['mixed chunks and small nodes', ['-M', '-n', '4096']],
    ['sums by sha256, without holes written', ['--csum', 'sha256', '-O', 'no-holes', '-m', 'single']],
    ['older features and large nodes', ['-O', '^no-holes', '-R', '^free-space-tree', '-n', '65536']],
  ])(
    'with %s is what the kernel sees in the folder it was made from',
    async (_, options) => {
      const { fs } = await open(make(options));
      expect(fs).toMatchObject({ type: 'btrfs', label: 'gvm-btrfs', diagnostics: [] });
      expect(await ownListing(new Vfs(fs))).toEqual(hostListing(tree));
    },
    60_000,
  );

  it('has the UUID and the use that btrfs says', async () => {
    const image = make([]);
    const { fs } = await open(image);
    const dump = execFileSync(tool('btrfs'), ['inspect-internal', 'dump-super', image], { encoding: 'utf8' });
    expect(fs.uuid).toBe(/^fsid\s+(\S+)/m.exec(dump)?.[1]);
    expect((await fs.usage()).total).toBe(Number(/^total_bytes\s+(\d+)/m.exec(dump)?.[1]));
    expect(fs.features).toContain('skinny_metadata');
  });

  it.each(['crc32c', 'xxhash', 'sha256', 'blake2'])('checks what files hold by %s', async (kind) => {
    const image = make(['--csum', kind, '-m', 'single'], join(tree, 'sizes'));
    const bytes = Buffer.from(await readFile(image));
    const { fs } = await open(image);
    const vfs = new Vfs(fs);
    const whole = await vfs.readFile('/1500000');
    expect(whole.equals(await readFile(join(tree, 'sizes/1500000')))).toBe(true);
    const at = bytes.indexOf(whole.subarray(0, 4096));
    bytes[at + 5000] = (bytes[at + 5000] as number) ^ 1;
    const damaged = new Vfs(await btrfs.open(new MemorySource(bytes)));
    await expect(damaged.readFile('/1500000')).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringMatching(/^Btrfs data at offset \d+: the checksum of the logical address \d+ is wrong$/),
    });
    expect((await damaged.readFile('/300001')).equals(await readFile(join(tree, 'sizes/300001')))).toBe(true);
  });

  it('takes the other copy where one is damaged', async () => {
    const image = make(['-d', 'dup', '-m', 'dup'], join(tree, 'sizes'));
    const bytes = Buffer.from(await readFile(image));
    const whole = await readFile(join(tree, 'sizes/1500000'));
    const at = bytes.indexOf(whole.subarray(0, 4096));
    bytes.fill(0, at, at + 1_500_000);
    const vfs = new Vfs(await btrfs.open(new MemorySource(bytes)));
    expect((await vfs.readFile('/1500000')).equals(whole)).toBe(true);
  });
});

describe('hostile bytes', () => {
  it('end in a result or a typed error, checksums right or wrong', async () => {
    const small = join(folder, 'small');
    mkdirSync(join(small, 'dir'), { recursive: true });
    for (let i = 0; i < 40; i++) writeFileSync(join(small, 'dir', `file-${i}`), `${i} `.repeat(i * 40));
    const image = make(['-M', '-n', '4096'], small);
    const { source } = await open(image);
    // Where the nodes of the trees lie; between them and the superblock is all that is read before the data.
    const roots = execFileSync(tool('btrfs'), ['inspect-internal', 'dump-tree', image], {
      encoding: 'utf8',
      maxBuffer: 2 ** 26,
    });
    const nodes = [...new Set([...roots.matchAll(/^(?:leaf|node) (\d+)/gm)].map(([, at]) => Number(at)))];
    const chunk = /CHUNK_ITEM (\d+)\) itemoff[\s\S]*?devid 1 offset (\d+)/.exec(roots);
    const shift = Number(chunk?.[2]) - Number(chunk?.[1]);
    const places = nodes.map((at) => at + shift).filter((at) => at + 4096 <= 32 * 2 ** 20);
    const end = Math.max(...places, 65536) + 4096;
    const good = Buffer.from(await source.read(0, end));
    const padded = (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(0)]);
    const all = [[65536 + 32, 1000] as const, ...places.map((at) => [at + 32, 1500] as const)];
    const repair = (bytes: Buffer) => {
      for (const at of [65536, ...places])
        bytes.writeUInt32LE(~crc32c(0xffffffff, bytes.subarray(at + 32, at + 4096)) >>> 0, at);
    };
    const whole = (base: { read(offset: number, length: number): Promise<Buffer> }) => ({
      size: SIZE,
      async read(offset: number, length: number, signal?: AbortSignal) {
        if (offset + length <= end) return base.read(offset, length);
        return source.read(offset, length, signal);
      },
      extents: (offset: number, length: number) => source.extents(offset, length),
      async [Symbol.asyncDispose]() {},
    });
    expect(places.length).toBeGreaterThan(5);
    await readsAnything(padded(good), all, async (s) => readAll(await btrfs.open(whole(s))), 200, repair);
  }, 60_000);
});
