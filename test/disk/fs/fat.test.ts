import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fat } from '../../../src/disk/fs/fat/fat.ts';
import { MemorySource } from '../../../src/disk/source/memory.ts';
import { Vfs } from '../../../src/disk/vfs.ts';
import { walkTree } from '../../../src/disk/walk.ts';
import { findTool } from '../../../src/process/index.ts';
import { readsAnything } from '../mutate.ts';
import { readAll } from '../read-all.ts';
import { ownListing } from '../tree.ts';

const folder = mkdtempSync(join(tmpdir(), 'gvm-fat-'));
const tree = join(folder, 'tree');
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const tool = (name: string) => findTool(name) ?? name;
const env = { ...process.env, TZ: 'UTC', MTOOLS_SKIP_CHECK: '1' };

const names = [
  'SHORT.TXT',
  'lower.txt',
  'Mixed Case Name.text',
  'grüße-日本.txt',
  'x'.repeat(200),
  'many.dots.in.it',
  'EMPTY',
];

beforeAll(() => {
  mkdirSync(join(tree, 'Folder/a folder in it/deep'), { recursive: true });
  mkdirSync(join(tree, 'crowd'));
  for (const [i, name] of names.entries())
    writeFileSync(join(tree, 'Folder', name), name === 'EMPTY' ? '' : name.repeat(i * 300));
  writeFileSync(join(tree, 'Folder/a folder in it/deep/leaf'), 'leaf');
  for (let i = 0; i < 150; i++) writeFileSync(join(tree, 'crowd', `a long enough name ${i}`), `${i}`);
});

function make(name: string, size: number, options: string[]): string {
  const image = join(folder, name);
  writeFileSync(image, '');
  truncateSync(image, size);
  execFileSync(tool('mkfs.vfat'), ['-n', 'GVM LABEL', '-i', '1234abcd', ...options, image], { stdio: 'pipe' });
  execFileSync('mcopy', ['-s', '-m', '-i', image, join(tree, 'Folder'), join(tree, 'crowd'), '::/'], {
    env,
    stdio: 'pipe',
  });
  return image;
}

const open = (image: string) => fat.open(new MemorySource(readFileSync(image)));

describe.each([
  ['fat12', 4 * 2 ** 20, ['-F', '12', '-s', '4'], 2048],
  ['fat16', 20 * 2 ** 20, ['-F', '16', '-s', '2', '-f', '1'], 1024],
  ['fat32', 40 * 2 ** 20, ['-F', '32', '-s', '1'], 512],
])('%s', (name, size, options, cluster) => {
  let image: string;
  beforeAll(() => {
    image = make(name, size, options);
  });

  it('has the files that mtools copied into it', async () => {
    const fs = await open(image);
    expect(fs).toMatchObject({
      type: 'vfat',
      label: 'GVM LABEL',
      uuid: '1234-ABCD',
      blockSize: cluster,
      diagnostics: [],
    });
    const vfs = new Vfs(fs);
    const found: string[] = [];
    for await (const walked of walkTree(vfs, await vfs.resolve('/'))) {
      if ('trouble' in walked) throw new Error(walked.trouble.message);
      const path = walked.path.toString();
      found.push(path);
      if (walked.node.stat.type === 'directory') continue;
      const host = readFileSync(join(tree, path));
      expect((await vfs.readFile(walked.path)).equals(host), path).toBe(true);
    }
    const expected = execFileSync('find', [tree, '-mindepth', '1'], { encoding: 'utf8' }).trim().split('\n');
    expect(found.sort()).toEqual(expected.map((path) => path.slice(tree.length)).sort());
  });

  it('has the times and the room that mtools shows', async () => {
    const vfs = new Vfs(await open(image));
    const listing = execFileSync('mdir', ['-i', image, '::/Folder'], { env, encoding: 'utf8' });
    const { mtime, mode } = await vfs.stat('/Folder/Mixed Case Name.text');
    const line = listing.split('\n').find((text) => text.includes('Mixed Case Name.text'));
    const [day, clock] = new Date(mtime.seconds * 1000).toISOString().split(/[TZ]/);
    expect(line?.replace(/ +/g, ' ')).toContain(`${day} ${clock?.slice(0, 5).replace(/^0/, '')}`);
    expect(mode).toBe(0o755);
    const free = Number(/([\d ]+) bytes free/.exec(listing)?.[1]?.replaceAll(' ', ''));
    expect((await vfs.root.usage()).free).toBe(free);
  });

  it('finds names in either case, and by their short form', async () => {
    const vfs = new Vfs(await open(image));
    expect((await vfs.find('/FOLDER/mixed case NAME.TEXT'))?.node.stat.size).toBe(names[2] && names[2].length * 600);
    expect((await vfs.find('/Folder/MIXEDC~1.TEX'))?.node.stat.size).toBe(names[2] && names[2].length * 600);
    expect(await vfs.find('/Folder/nothing')).toBeUndefined();
  });

  it('ends in a result or a typed error whatever it holds', async () => {
    const bytes = readFileSync(image);
    const { boot, root, entries } = placesOf(bytes);
    await readsAnything(
      bytes,
      [
        [11, 60],
        [boot, 400],
        [root, 256],
        [entries, 2048],
      ],
      async (source) => readAll(await fat.open(source)),
      60,
    );
  }, 30_000);
});

/** Where the table, the root directory and the entries of /Folder begin. */
function placesOf(bytes: Buffer) {
  const boot = bytes.readUInt16LE(11) * bytes.readUInt16LE(14);
  const root = bytes.indexOf('GVM LABEL  ', boot);
  return { boot, root, entries: bytes.indexOf('SHORT   TXT') - 64 };
}

it('is read with sectors of 4096 bytes', async () => {
  const bytes = readFileSync(make('large-sectors', 40 * 2 ** 20, ['-F', '16', '-s', '8', '-R', '8']));
  const before = await ownListing(new Vfs(await fat.open(new MemorySource(bytes))));
  // mtools knows sectors of 512 bytes only; everything lies on clusters of 4096, so the boot sector alone changes.
  bytes.writeUInt16LE(4096, 11);
  bytes[13] = 1;
  for (const at of [14, 19, 22]) bytes.writeUInt16LE(bytes.readUInt16LE(at) / 8, at);
  bytes.writeUInt32LE(bytes.readUInt32LE(32) / 8, 32);
  const fs = await fat.open(new MemorySource(bytes));
  expect(fs.blockSize).toBe(4096);
  expect(await ownListing(new Vfs(fs))).toEqual(before);
});

describe('a hostile FAT', () => {
  it('with a chain that loops is corrupt', async () => {
    const bytes = readFileSync(join(folder, 'fat16'));
    const { boot } = placesOf(bytes);
    const at = bytes.indexOf('x'.repeat(100), boot);
    const data =
      bytes.readUInt16LE(14) * 512 + (bytes[16] as number) * bytes.readUInt16LE(22) * 512 + bytes.readUInt16LE(17) * 32;
    const cluster = Math.floor((at - data) / 1024) + 2;
    bytes.writeUInt16LE(cluster, boot + (cluster + 5) * 2);
    const vfs = new Vfs(await fat.open(new MemorySource(bytes)));
    const loop = await vfs.readFile(`/Folder/${'x'.repeat(200)}`).catch((error: unknown) => error);
    expect(Buffer.isBuffer(loop) ? loop.length : loop).toBe(240_000);
    const { node } = await vfs.resolve(`/Folder/${'x'.repeat(200)}`);
    let last = 0;
    for await (const extent of node.extents()) last = extent.offset + extent.length;
    expect(last).toBe(240_000);
  });

  it('with a folder in itself is walked to an end', async () => {
    const bytes = readFileSync(join(folder, 'fat16'));
    const entry = bytes.indexOf('DEEP       ');
    const parent = bytes.indexOf('AFOLDE~1');
    bytes.copy(bytes, entry + 26, parent + 26, parent + 28);
    expect(await readAll(await fat.open(new MemorySource(bytes)))).toBeLessThan(200);
  });

  it('with U+FFFF within a long name keeps what follows it', async () => {
    const bytes = readFileSync(join(folder, 'fat16'));
    const long = bytes.indexOf(Buffer.from('many.', 'utf16le'));
    bytes.writeUInt16LE(0xffff, long + 2);
    const vfs = new Vfs(await fat.open(new MemorySource(bytes)));
    expect((await vfs.resolve('/Folder/m\uffffny.dots.in.it')).node.stat.type).toBe('file');
  });
});
