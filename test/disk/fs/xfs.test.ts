import { execFileSync } from 'node:child_process';
import {
  closeSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { crc32c } from '../../../src/core/index.ts';
import { sumIsRight } from '../../../src/disk/fs/xfs/superblock.ts';
import { xfs } from '../../../src/disk/fs/xfs/xfs.ts';
import { CachedSource } from '../../../src/disk/source/cached.ts';
import { FileSource } from '../../../src/disk/source/file.ts';
import type { BlockSource } from '../../../src/disk/source/source.ts';
import { Vfs } from '../../../src/disk/vfs.ts';
import { findTool } from '../../../src/process/index.ts';
import { readsAnything } from '../mutate.ts';
import { readAll } from '../read-all.ts';
import { hostListing, type Line, ownListing, plantTree } from '../tree.ts';

const folder = mkdtempSync(join(tmpdir(), 'gvm-xfs-'));
const tree = join(folder, 'tree');
const tool = (name: string) => findTool(name) ?? name;
const SIZE = 320 * 2 ** 20;

beforeAll(() => {
  mkdirSync(tree);
  plantTree(tree, 2000);
  // A protocol file of mkfs.xfs cannot name these.
  for (const name of readdirSync(join(tree, 'odd'), { encoding: 'buffer' })) {
    if (/\s/.test(name.toString('latin1'))) rmSync(Buffer.concat([Buffer.from(`${tree}/odd/`), name]));
  }
}, 60_000);
const opened: AsyncDisposable[] = [];
afterEach(async () => {
  for (const source of opened.splice(0)) await source[Symbol.asyncDispose]();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The description of a folder that mkfs.xfs -p reads (mkfs.xfs(8)), with devices besides. */
function protofile(from: string): Buffer {
  const lines: Buffer[] = [Buffer.from('/dev/null\n0 0\nd--755 0 0\n')];
  const say = (...parts: (string | Buffer)[]) =>
    lines.push(Buffer.concat([...parts, '\n'].map((part) => Buffer.from(part))));
  const visit = (path: Buffer) => {
    for (const name of readdirSync(path, { encoding: 'buffer' })) {
      const full = Buffer.concat([path, Buffer.from('/'), name]);
      const stat = lstatSync(full);
      const bits = `${stat.mode & 0o4000 ? 'u' : '-'}${stat.mode & 0o2000 ? 'g' : '-'}${(stat.mode & 0o777).toString(8).padStart(3, '0')} ${stat.uid} ${stat.gid}`;
      if (stat.isDirectory()) {
        say(name, ` d${bits}`);
        visit(full);
        say('$');
      } else if (stat.isSymbolicLink()) say(name, ` l${bits} `, readlinkSync(full, 'buffer'));
      else if (stat.isFIFO()) say(name, ` p${bits}`);
      else say(name, ` -${bits} `, full);
    }
  };
  visit(Buffer.from(from));
  say('$');
  return Buffer.concat(lines);
}

function make(options: string[], from: string, commands: string[] = []): string {
  const [image, proto] = [join(folder, 'image.xfs'), join(folder, 'proto')];
  rmSync(image, { force: true });
  writeFileSync(image, '');
  truncateSync(image, SIZE);
  writeFileSync(proto, protofile(from));
  execFileSync(tool('mkfs.xfs'), ['-q', '-f', '-L', 'gvm-xfs', ...options, '-p', proto, image], { stdio: 'pipe' });
  for (const command of commands)
    execFileSync(tool('xfs_db'), ['-x', ...command.split('; ').flatMap((c) => ['-c', c]), image], { stdio: 'pipe' });
  return image;
}

async function open(image: string) {
  const source = new CachedSource(await FileSource.open(image));
  opened.push(source);
  return xfs.open(source);
}

/** What a protocol file carries over: no times, no hard links, no sticky bit. */
const carried = (lines: Map<string, Line>) =>
  new Map(
    [...lines].map(
      ([path, { nlink: _, mtime: __, mode, ...line }]) =>
        [path, { ...line, mode: (Number.parseInt(mode ?? '0', 8) & 0o6777).toString(8) }] as const,
    ),
  );

describe('a tree with every kind of entry', () => {
  it.each([
    ['v5', []],
    ['v5 with blocks of 1 KiB and folders of 4 KiB', ['-b', 'size=1024', '-n', 'size=4096', '-i', 'size=512']],
    ['v5 without large times', ['-m', 'bigtime=0,reflink=0,rmapbt=0', '-i', 'size=1024']],
    ['v4', ['-m', 'crc=0', '-i', 'size=256']],
    ['v4 without file types', ['-m', 'crc=0', '-n', 'ftype=0', '-b', 'size=2048']],
  ])(
    'in %s is what the kernel sees in the folder it was made from',
    async (_, options) => {
      const fs = await open(make(options, tree));
      expect(fs).toMatchObject({ type: 'xfs', label: 'gvm-xfs', diagnostics: [] });
      expect(carried(await ownListing(new Vfs(fs)))).toEqual(carried(hostListing(tree)));
    },
    60_000,
  );
});

describe('what xfs_db can write', () => {
  const small = join(folder, 'small');
  let image: string;
  beforeAll(() => {
    mkdirSync(small);
    for (const name of ['short', 'leaf', 'remote', 'tree']) writeFileSync(join(small, name), 'x');
    const set = (name: string, ...attributes: string[]) =>
      `path /${name}; ${attributes.map((a) => `attr_set ${a}`).join('; ')}`;
    image = make([], small, [
      set('short', '-u -v 5 key', '-s -v 3 label', '-r -v 4 hidden'),
      set('leaf', '-u -v 200 first', '-u -v 200 second'),
      set('remote', '-u -v 20000 large', '-u -v 1 little'),
      set('tree', ...Array.from({ length: 60 }, (_, i) => `-u -v 200 attribute-${i}`)),
    ]);
  }, 60_000);

  it('attributes in each of their forms', async () => {
    const vfs = new Vfs(await open(image));
    const values = async (path: string) =>
      (await (await vfs.resolve(path)).node.xattrs()).map(({ name, value }) => [name.toString(), value.length]).sort();
    expect(await values('/short')).toEqual([
      ['security.label', 3],
      ['trusted.hidden', 4],
      ['user.key', 5],
    ]);
    expect(await values('/leaf')).toEqual([
      ['user.first', 200],
      ['user.second', 200],
    ]);
    expect(await values('/remote')).toEqual([
      ['user.large', 20000],
      ['user.little', 1],
    ]);
    expect((await values('/tree')).length).toBe(60);
    const [large] = (await (await vfs.resolve('/remote')).node.xattrs()).filter(({ value }) => value.length === 20000);
    expect(large?.value.every((byte) => byte === 0x76)).toBe(true);
  });

  it('times, owners and counters', async () => {
    const fs = await open(image);
    const db = (...commands: string[]) =>
      execFileSync(tool('xfs_db'), ['-r', ...commands.flatMap((c) => ['-c', c]), image], { encoding: 'utf8' });
    expect((await fs.usage()).free).toBe(Number(/fdblocks = (\d+)/.exec(db('sb 0', 'print fdblocks'))?.[1]) * 4096);
    expect(fs.uuid).toBe(/UUID = (\S+)/.exec(db('uuid'))?.[1]);
    const { btime, mtime } = (await new Vfs(fs).resolve('/short')).node.stat;
    expect(Math.abs((btime?.seconds ?? 0) - Date.now() / 1000)).toBeLessThan(600);
    expect(mtime.nanoseconds).toBeGreaterThanOrEqual(0);
  });

  it('a log that was not written back is reported', async () => {
    const fd = openSync(image, 'r+');
    const head = Buffer.alloc(512);
    readSync(fd, head, 0, 512, 0);
    const fsb = head.readBigUInt64BE(48);
    const start =
      (Number(fsb >> BigInt(head[124] as number)) * head.readUInt32BE(84) +
        Number(fsb & ((1n << BigInt(head[124] as number)) - 1n))) *
      4096;
    writeSync(fd, Buffer.from([0]), 0, 1, start + 512 + 9);
    closeSync(fd);
    expect((await open(image)).diagnostics[0]?.message).toContain('it was not unmounted');
  });
});

/** A source with a few pages of its own over a file that is too large to copy. */
function patched(base: BlockSource, at: number, page: Buffer): BlockSource {
  return {
    size: base.size,
    async read(offset, length, signal) {
      const bytes = await base.read(offset, length, signal);
      const [from, to] = [Math.max(offset, at), Math.min(offset + length, at + page.length)];
      if (from >= to) return bytes;
      const own = Buffer.from(bytes);
      page.copy(own, from - offset, from - at, to - at);
      return own;
    },
    extents: (offset, length) => base.extents(offset, length),
    async [Symbol.asyncDispose]() {},
  };
}

describe('hostile bytes', () => {
  const small = join(folder, 'few');
  beforeAll(() => {
    mkdirSync(join(small, 'dir'), { recursive: true });
    for (let i = 0; i < 60; i++) writeFileSync(join(small, 'dir', `a-file-with-a-name-of-some-length-${i}`), `${i}`);
  });

  it.each([
    ['v5', []],
    ['v4', ['-m', 'crc=0']],
  ])(
    'in %s end in a result or a typed error',
    async (_, options) => {
      const image = make(options, small);
      await using base = new CachedSource(await FileSource.open(image));
      const fs = await xfs.open(base);
      expect(await readAll(fs)).toBeGreaterThan(60);
      const db = (...commands: string[]) =>
        execFileSync(tool('xfs_db'), ['-r', ...commands.flatMap((c) => ['-c', c]), image], { encoding: 'utf8' });
      const size = (await base.read(0, 512)).readUInt16BE(104);
      const inodes = Number(/daddr is (\d+)/.exec(db('path /', 'daddr'))?.[1]) * 512;
      const directory = Number(/startblock (\d+)/.exec(db('path /dir', 'bmap'))?.[1]) * 4096;
      const repairInodes = (page: Buffer) => {
        if (size === 512) for (let at = 0; at < page.length; at += size) sum(page.subarray(at, at + size), 100);
      };
      const run = (
        at: number,
        length: number,
        places: readonly (readonly [number, number])[],
        repair: (b: Buffer) => void,
        runs: number,
      ) =>
        base
          .read(at, length)
          .then((page) =>
            readsAnything(
              page,
              places,
              async (source) => readAll(await xfs.open(patched(base, at, await source.read(0, length)))),
              runs,
              repair,
            ),
          );
      await run(0, 512, [[0, 256]], (page) => sum(page, 224), 60);
      await run(inodes, 16 * size, [[0, 8 * size]], repairInodes, 150);
      await run(directory, 4096, [[0, 4096]], (page) => sum(page, 4), 80);
    },
    60_000,
  );
});

function sum(bytes: Buffer, at: number): void {
  bytes.writeUInt32LE(0, at);
  bytes.writeUInt32LE(~crc32c(0xffffffff, bytes) >>> 0, at);
  expect(sumIsRight(bytes, at)).toBe(true);
}
