import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Channel, download, openSsh, upload } from '../../../src/guest/index.ts';
import { type SshServer, sshServer } from '../ssh-server.ts';

const asRoot = process.getuid?.() === 0;
let server: SshServer;
let channel: Channel;
let folder: string;

beforeAll(async () => {
  server = await sshServer();
  channel = await openSsh(server.address);
});
afterAll(async () => {
  await channel[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gvm-transfer-'));
  return () => rmSync(folder, { recursive: true, force: true });
});

/** A tree with everything that a copy must keep, and what it cannot. */
function makeTree(root: string): void {
  mkdirSync(join(root, 'sub/deep'), { recursive: true });
  writeFileSync(join(root, 'script'), '#!/bin/sh\n');
  chmodSync(join(root, 'script'), 0o751);
  writeFileSync(join(root, 'none'), 'nobody may read this');
  chmodSync(join(root, 'none'), 0);
  writeFileSync(join(root, 'empty'), '');
  writeFileSync(join(root, 'sub/bytes'), Buffer.from(Array.from({ length: 256 }, (_, i) => i)));
  linkSync(join(root, 'sub/bytes'), join(root, 'twin'));
  symlinkSync('../script', join(root, 'sub/link'));
  symlinkSync('missing', join(root, 'dangling'));
  writeFileSync(join(root, 'sub/deep', 'é und " und \n'), 'odd');
  writeFileSync(join(root, 'sub/deep', 'n'.repeat(200)), 'long');
  writeFileSync(join(root, '-rf'), 'dash');
  writeFileSync(join(root, 'sparse'), 'begin');
  truncateSync(join(root, 'sparse'), 8 * 2 ** 20);
  utimesSync(join(root, 'script'), 1_000_000_000, 1_000_000_000);
  chmodSync(join(root, 'sub'), 0o700);
  utimesSync(join(root, 'sub'), 1_100_000_000, 1_100_000_000);
}

/** Each path with what a copy must keep of it. */
function listTree(root: string): string[] {
  const names = readdirSync(root, { recursive: true }) as string[];
  return names.sort().map((name) => {
    const { mode, mtimeMs, nlink, size } = lstatSync(join(root, name));
    const link = (mode & 0o170000) === 0o120000;
    const about = link
      ? readlinkSync(join(root, name))
      : (mode & 0o170000) === 0o040000
        ? 'folder'
        : `${size} bytes, ${nlink} names`;
    return `${name} ${mode.toString(8)} ${Math.floor(mtimeMs / 1000)} ${about}`;
  });
}

describe('a tree', () => {
  // Root reads what nobody may read; another user cannot send it.
  const prepare = (root: string) => {
    makeTree(root);
    if (!asRoot) rmSync(join(root, 'none'));
  };

  test('goes in and comes back the same', async () => {
    const [from, inside, back] = ['from', 'deep/inside', 'back'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    mkdirSync(from);
    prepare(from);
    const up = await upload(channel, { from, to: inside });
    expect(listTree(inside)).toEqual(listTree(from));
    expect(up.leftOut).toEqual([]);
    expect(up.bytes).toBeGreaterThan(8 * 2 ** 20);
    const down = await download(channel, { from: inside, to: back });
    expect(listTree(back)).toEqual(listTree(from));
    expect(down).toEqual({ ...up, files: down.files });
    expect(readFileSync(join(back, 'sub/bytes'))).toEqual(readFileSync(join(from, 'sub/bytes')));
    expect(statSync(join(back, 'sparse')).blocks * 512).toBeLessThan(2 ** 20);
    expect(readdirSync(folder).sort()).toEqual(['back', 'deep', 'from']);
  }, 20_000);

  test('names what has no content to send', async () => {
    mkdirSync(join(folder, 'from'));
    execFileSync('mkfifo', [join(folder, 'from/pipe')]);
    const { leftOut } = await upload(channel, { from: join(folder, 'from'), to: join(folder, 'to') });
    expect(leftOut).toEqual([{ path: join(folder, 'from/pipe'), reason: 'a device, socket or named pipe' }]);
    expect(readdirSync(join(folder, 'to'))).toEqual([]);
  });

  test('is laid over what is there, and links to folders stay', async () => {
    mkdirSync(join(folder, 'from'));
    writeFileSync(join(folder, 'from/new'), 'new');
    mkdirSync(join(folder, 'real'));
    writeFileSync(join(folder, 'real/old'), 'old');
    symlinkSync('real', join(folder, 'to'));
    await upload(channel, { from: join(folder, 'from'), to: join(folder, 'to') });
    expect(readlinkSync(join(folder, 'to'))).toBe('real');
    expect(readdirSync(join(folder, 'real'))).toEqual(['new', 'old']);
  });

  test.runIf(asRoot)('keeps owners where it is asked to, and takes any name else', async () => {
    mkdirSync(join(folder, 'from'));
    writeFileSync(join(folder, 'from/file'), '');
    execFileSync('chown', ['-R', '3000000:2', join(folder, 'from')]);
    const owner = (path: string) =>
      execFileSync('stat', ['-c', '%u:%g', join(folder, path)])
        .toString()
        .trim();
    await upload(channel, { from: join(folder, 'from'), to: join(folder, 'kept'), owner: 'keep' });
    expect([owner('kept'), owner('kept/file')]).toEqual(['3000000:2', '3000000:2']);
    await download(channel, { from: join(folder, 'kept'), to: join(folder, 'back'), owners: true });
    expect([owner('back'), owner('back/file')]).toEqual(['3000000:2', '3000000:2']);
    await download(channel, { from: join(folder, 'kept'), to: join(folder, 'mine') });
    expect(owner('mine/file')).toBe('0:0');
    await upload(channel, { from: join(folder, 'from'), to: join(folder, 'named'), owner: 'daemon:bin' });
    expect(owner('named/file')).toBe('1:2');
    await upload(channel, { from: join(folder, 'from'), to: join(folder, 'root') });
    expect(owner('root/file')).toBe('0:0');
    await expect(
      upload(channel, { from: join(folder, 'from/file'), to: join(folder, 'x'), owner: 'no-such-user' }),
    ).rejects.toMatchObject({ code: 'transfer-failed', message: expect.stringContaining('no-such-user') });
  });
});

describe('a file', () => {
  test('has the name and mode that it is given, and replaces what was there', async () => {
    writeFileSync(join(folder, 'a'), 'content');
    writeFileSync(join(folder, 'b c'), 'old and longer');
    await upload(channel, { from: join(folder, 'a'), to: join(folder, 'b c'), mode: 0 });
    expect(statSync(join(folder, 'b c')).mode & 0o7777).toBe(0);
    chmodSync(join(folder, 'b c'), 0o640);
    await download(channel, { from: join(folder, 'b c'), to: join(folder, 'a') });
    expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('content');
    expect(statSync(join(folder, 'a')).mode & 0o7777).toBe(0o640);
  });

  test('is reached through a link', async () => {
    writeFileSync(join(folder, 'real'), 'content');
    symlinkSync('real', join(folder, '-link'));
    await download(channel, { from: join(folder, '-link'), to: join(folder, 'copy') });
    expect(lstatSync(join(folder, 'copy')).isFile()).toBe(true);
    await upload(channel, { from: join(folder, '-link'), to: join(folder, 'again') });
    expect(readFileSync(join(folder, 'again'), 'utf8')).toBe('content');
  });

  test('is missing, or a folder is in its way', async () => {
    mkdirSync(join(folder, 'taken'));
    writeFileSync(join(folder, 'a'), '');
    const to = join(folder, 'taken');
    await expect(download(channel, { from: join(folder, 'none'), to })).rejects.toMatchObject({ code: 'usage' });
    await expect(download(channel, { from: '/no/such', to: join(folder, 'b') })).rejects.toMatchObject({
      code: 'file-missing',
      message: 'the guest has no /no/such',
    });
    await expect(upload(channel, { from: join(folder, 'a'), to })).rejects.toMatchObject({
      code: 'transfer-failed',
      message: expect.stringContaining('is a folder'),
    });
    await expect(upload(channel, { from: join(folder, 'none'), to })).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(upload(channel, { from: join(folder, 'a'), to: '/proc/x/y' })).rejects.toMatchObject({
      code: 'transfer-failed',
    });
    expect(readdirSync(folder).sort()).toEqual(['a', 'taken']);
  });

  test('ends with its signal, its deadline and the connection, and leaves nothing', async () => {
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    const from = join(folder, 'pipe');
    const to = join(folder, 'to');
    // Nobody writes into the pipe, so the guest's tar waits for ever.
    const slow = { start: (_: string, options?: object) => channel.start(`exec cat ${from}`, options) };
    await expect(download(slow, { from, to, timeout: 200 })).rejects.toMatchObject({ code: 'deadline' });
    const signal = AbortSignal.timeout(200);
    await expect(download(slow, { from, to, signal })).rejects.toMatchObject({ name: 'TimeoutError' });
    await using other = await sshServer();
    await using gone = await openSsh(other.address);
    const broken = { start: (_: string, options?: object) => gone.start(`exec cat ${from}`, options) };
    setTimeout(() => other.drop(), 200);
    await expect(download(broken, { from, to })).rejects.toMatchObject({ code: 'channel-closed' });
    expect(readdirSync(folder)).toEqual(['pipe']);
    // A writer that comes and goes ends those that wait.
    closeSync(openSync(from, 'r+'));
  });
});
