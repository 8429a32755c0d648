import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import tar, { type Headers } from 'tar-stream';
import { beforeEach, expect, test } from 'vitest';
import { isGvmError } from '../../../src/errors/index.ts';
import { unpackGuest } from '../../../src/guest/transfer/unpack.ts';

let outer: string;
let folder: string;
beforeEach(() => {
  outer = mkdtempSync(join(tmpdir(), 'gvm-hostile-'));
  folder = join(outer, 'folder');
  mkdirSync(folder);
  return () => rmSync(outer, { recursive: true, force: true });
});

async function archive(members: readonly (Headers & { content?: string })[]): Promise<Buffer> {
  const pack = tar.pack();
  for (const { content = '', ...header } of members) pack.entry({ ...header, size: content.length }, content);
  pack.finalize();
  return await buffer(pack);
}

async function unpack(bytes: Iterable<Buffer>, maxBytes = 2 ** 20) {
  const report = { files: 0, bytes: 0, leftOut: [] };
  const signal = new AbortController().signal;
  const found = await unpackGuest(Readable.from(bytes), { folder, maxBytes, owners: false, signal }, report);
  return { ...found, ...report };
}

const root: Headers = { name: './', type: 'directory', mode: 0o755 };

test.each<[string, (Headers & { content?: string })[]]>([
  ['a name with ..', [root, { name: './../evil', content: 'x' }]],
  ['a name with .. inside', [root, { name: 'a/../../evil', content: 'x' }]],
  ['an absolute name', [root, { name: '/tmp/evil', content: 'x' }]],
  ['a member below a link', [root, { name: 'l', type: 'symlink', linkname: '..' }, { name: 'l/evil', content: 'x' }]],
  [
    'a member below an inner link',
    [root, { name: 'l', type: 'symlink', linkname: '.' }, { name: 'l/evil', content: 'x' }],
  ],
  [
    'a folder in the place of a link',
    [root, { name: 'l', type: 'symlink', linkname: '.' }, { name: 'l', type: 'directory' }],
  ],
  ['a file in the place of a link', [root, { name: 'l', type: 'symlink', linkname: '.' }, { name: 'l', content: 'x' }]],
  ['a file that comes twice', [root, { name: 'f', content: 'x' }, { name: 'f', content: 'y' }]],
  [
    'a second file where one was asked for',
    [
      { name: 'f', content: 'x' },
      { name: 'g', content: 'y' },
    ],
  ],
  ['a member below a file', [root, { name: 'f', content: 'x' }, { name: 'f/g', content: 'y' }]],
  ['a member without its folder', [root, { name: 'a/b', content: 'x' }]],
  [
    'too much content',
    [root, { name: 'f', content: 'x'.repeat(600_000) }, { name: 'g', content: 'x'.repeat(600_000) }],
  ],
])('%s is refused', async (_, members) => {
  await expect(unpack([await archive(members)])).rejects.toMatchObject({ code: 'transfer-refused' });
  expect(readdirSync(outer)).toEqual(['folder']);
});

test('links that lead out, devices and special bits are left out and named', async () => {
  const found = await unpack([
    await archive([
      root,
      { name: 'd', type: 'directory' },
      { name: 'd/in', type: 'symlink', linkname: '../f' },
      { name: 'd/out', type: 'symlink', linkname: '../../x' },
      { name: 'absolute', type: 'symlink', linkname: '/etc/passwd' },
      { name: 'null', type: 'character-device', devmajor: 1, devminor: 3 },
      { name: 'disk', type: 'block-device', devmajor: 8, devminor: 0 },
      { name: 'pipe', type: 'fifo' },
      { name: 'f', content: 'x', mode: 0o6755 },
      { name: 'hard', type: 'link', linkname: './f' },
      { name: 'through', type: 'link', linkname: 'd/in' },
      { name: 'far', type: 'link', linkname: '../../../etc/passwd' },
    ]),
  ]);
  expect(found.leftOut).toEqual([
    { path: 'd/out', reason: 'a link that leads out of the folder, to ../../x' },
    { path: 'absolute', reason: 'a link that leads out of the folder, to /etc/passwd' },
    { path: 'null', reason: 'a character device' },
    { path: 'disk', reason: 'a block device' },
    { path: 'pipe', reason: 'a fifo' },
    { path: 'f', reason: 'its set-user-ID, set-group-ID or sticky bit' },
    { path: 'through', reason: 'a hard link to what is no file of the archive: d/in' },
    { path: 'far', reason: 'a hard link to what is no file of the archive: ../../../etc/passwd' },
  ]);
  expect(readdirSync(folder).sort()).toEqual(['d', 'f', 'hard']);
  expect(readlinkSync(join(folder, 'd/in'))).toBe('../f');
  expect(statSync(join(folder, 'f'))).toMatchObject({ nlink: 2, mode: 0o100755 });
});

/** The header of a long name that claims to have so many bytes. */
async function longName(size: number): Promise<Buffer> {
  const [block] = [await archive([{ name: 'x', content: '' }])];
  const header = Buffer.from(block.subarray(0, 512));
  header.write('L', 156);
  header.write(`${size.toString(8).padStart(11, '0')} `, 124);
  header.write('        ', 148);
  header.write(
    `${header
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
  );
  return header;
}

test('a long name without end is not held in memory', async () => {
  const endless = function* (header: Buffer) {
    yield header;
    for (let i = 0; i < 100_000; i++) yield Buffer.alloc(2 ** 16, 'x');
  };
  const before = process.memoryUsage().arrayBuffers;
  await expect(unpack(endless(await longName(2 ** 32)))).rejects.toMatchObject({ code: 'transfer-refused' });
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 2 ** 20);
});

test('zeros without end are not read', async () => {
  const endless = function* (header: Buffer) {
    yield header;
    for (;;) yield Buffer.alloc(2 ** 16);
  };
  await expect(unpack(endless(await archive([root])))).rejects.toMatchObject({ code: 'transfer-refused' });
});

test('whatever the bytes are, the outcome is an error of ours or a folder with nothing outside', async () => {
  const whole = await archive([
    root,
    { name: 'd', type: 'directory' },
    { name: 'd/l', type: 'symlink', linkname: '../f' },
    { name: 'f', content: 'content', mode: 0o644 },
    { name: 'n'.repeat(150), content: 'long' },
  ]);
  writeFileSync(join(outer, 'witness'), 'untouched');
  const change = fc.record({ at: fc.nat(whole.length - 1), byte: fc.nat(255) });
  await fc.assert(
    fc.asyncProperty(
      fc.array(change, { maxLength: 4 }),
      fc.nat(whole.length),
      fc.boolean(),
      async (changes, end, fix) => {
        rmSync(folder, { recursive: true, force: true });
        mkdirSync(folder);
        const bytes = Buffer.from(whole.subarray(0, fix ? whole.length : end));
        for (const { at, byte } of changes) if (at < bytes.length) bytes[at] = byte;
        if (fix) for (let at = 0; at + 512 <= bytes.length; at += 512) checksum(bytes.subarray(at, at + 512));
        await unpack([bytes]).catch((error) => {
          if (!isGvmError(error)) throw error;
        });
        expect(readdirSync(outer).sort()).toEqual(['folder', 'witness']);
      },
    ),
    { numRuns: 300 },
  );
});

/** Makes a changed header valid again, so that the change gets past the checksum. */
function checksum(block: Buffer): void {
  if (block.toString('latin1', 257, 262) !== 'ustar') return;
  block.write('        ', 148);
  block.write(
    `${block
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
  );
}
