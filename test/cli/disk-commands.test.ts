import { execFileSync, spawn } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { globPattern } from '../../src/cli/disk/glob.ts';
import { main } from '../../src/cli/main.ts';
import { makeSystemDisk } from '../disk/system-disk.ts';

const folder = mkdtempSync(join(tmpdir(), 'gvm-cli-'));
const cli = new URL('../../dist/cli.js', import.meta.url).pathname;

/** Runs a command line in this process: a hundred starts of node would take most of the time. */
async function gvm(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    vi.spyOn(process[name], 'write').mockImplementation((chunk, encoding, done) => {
      said[name] += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('latin1');
      const after = typeof encoding === 'function' ? encoding : done;
      after?.();
      return true;
    });
  }
  vi.spyOn(console, 'log').mockImplementation((line) => {
    said.stdout += `${line}\n`;
  });
  vi.spyOn(console, 'error').mockImplementation((line) => {
    said.stderr += `${line}\n`;
  });
  try {
    return { code: await main([...args, '-C', folder]), ...said };
  } finally {
    vi.restoreAllMocks();
  }
}

beforeAll(() => {
  makeSystemDisk(folder);
  execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', 'system.raw', 'system.qcow2'], { cwd: folder });
}, 30_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('commands over a powered-off disk', { timeout: 30_000 }, () => {
  it('partitions', async () => {
    const { stdout, code } = await gvm('partitions', 'system.raw');
    expect(code).toBe(0);
    expect(stdout).toContain('21M, gpt 1A2B3C4D-0000-4000-8000-000000000001, sectors of 512 bytes');
    expect(stdout).toMatch(/^p2 +3145728 +8M +Linux data +ext4 +root +11111111-2222-4333-8444-000000000002$/m);
    const found = JSON.parse((await gvm('partitions', '--json', 'system.raw')).stdout);
    expect(found.volumes.map((v: { volume: string; content: string }) => [v.volume, v.content])).toEqual([
      ['p1', 'vfat'],
      ['p2', 'ext4'],
      ['p3', 'ext4'],
      ['p4', 'swap'],
    ]);
  });

  it('ls, of one folder and of all below it', async () => {
    expect((await gvm('ls', 'system.qcow2', '/etc')).stdout).toBe('fstab\nos-release\npasswd\n');
    expect((await gvm('ls', '-l', 'system.raw', '/notes')).stdout).toBe(
      (await gvm('ls', '-l', 'system.qcow2', '/home/user/notes')).stdout,
    );
    const lines = (await gvm('ls', '-R', '--json', 'system.raw')).stdout
      .trim()
      .split('\n')
      .map((line): { path: string } => JSON.parse(line));
    expect(lines.find(({ path }) => path === '/home/user/notes')).toMatchObject({ type: 'file', size: 24 });
    expect(lines.find(({ path }) => path === '/notes')).toMatchObject({ type: 'symlink', target: '/home/user/notes' });
    expect(lines.find(({ path }) => path === '/var/log/odd \\x1b[31mname')).toBeDefined();
    expect((await gvm('ls', '--volume', 'p1', 'system.raw', '/efi')).stdout).toBe('BOOTX64.EFI\n');
  });

  it('cat and stat', async () => {
    expect((await gvm('cat', 'system.raw', '/notes')).stdout).toBe('from the home partition\n');
    expect(JSON.parse((await gvm('cat', '--json', 'system.raw', '/etc/os-release')).stdout)).toMatchObject({
      text: 'ID=gvmtest\n',
    });
    expect(JSON.parse((await gvm('stat', '--json', 'system.raw', '/home/user/notes')).stdout)).toMatchObject({
      volume: 'p3',
      filesystem: 'ext4',
      size: 24,
      extents: [{ offset: 0, length: 24, kind: 'data' }],
    });
    expect((await gvm('cat', 'system.raw', '/etc')).code).toBe(2);
  });

  it('find and tree', async () => {
    expect((await gvm('find', 'system.raw', '/', '--match', '*ss*d')).stdout).toBe('/etc/passwd\n/usr/passwd\n');
    expect((await gvm('find', 'system.raw', '--type', 'l')).stdout).toBe('/notes\n/usr/passwd\n');
    expect((await gvm('tree', 'system.raw', '/home')).stdout).toBe(
      '/home\n├── lost+found\n└── user\n    └── notes\n\n2 folders, 1 files\n',
    );
  });

  it('df', async () => {
    const rows = JSON.parse((await gvm('df', '--json', 'system.raw')).stdout);
    expect(rows.map((row: { volume: string; path: string }) => [row.volume, row.path])).toEqual([
      ['p1', '/boot/efi'],
      ['p2', '/'],
      ['p3', '/home'],
    ]);
  });

  it('extract makes a tree anew, and never touches what is there', async () => {
    const { stdout } = await gvm('extract', 'system.raw', '/', 'out');
    expect(stdout).toMatch(/^\d+ files, \d+ folders, 2 links, /);
    expect(readFileSync(join(folder, 'out/home/user/notes'), 'utf8')).toBe('from the home partition\n');
    expect(readlinkSync(join(folder, 'out/notes'))).toBe('/home/user/notes');
    expect(lstatSync(join(folder, 'out/etc/passwd')).mtimeMs).toBe(
      lstatSync(join(folder, 'root/etc/passwd')).mtimeMs - (lstatSync(join(folder, 'root/etc/passwd')).mtimeMs % 1000),
    );
    expect(await gvm('extract', 'system.raw', '/etc', 'out')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('exists already'),
    });
    mkdirSync(join(folder, 'in'));
    expect((await gvm('extract', 'system.raw', '/etc/passwd', 'in/copy')).code).toBe(0);
    expect(readFileSync(join(folder, 'in/copy'), 'utf8')).toContain('root:x:0:0');
  });

  it('end with 2 for what is not there, not readable or not allowed', async () => {
    expect(await gvm('cat', 'system.raw', '/none')).toMatchObject({
      code: 2,
      stderr: 'error: the image has no /none\n',
    });
    expect((await gvm('ls', 'none.raw')).code).toBe(2);
    writeFileSync(join(folder, 'zero.raw'), Buffer.alloc(2 ** 20));
    expect(await gvm('ls', 'zero.raw')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no partition table'),
    });
    execFileSync('cp', ['system.qcow2', 'guest.img'], { cwd: folder });
    expect(await gvm('partitions', 'guest.img')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('begins as qcow2'),
    });
    expect(await gvm('partitions', '--format', 'raw', 'guest.img')).toMatchObject({ code: 2 });
    const error = JSON.parse((await gvm('ls', '--json', 'system.raw', '/none')).stdout).error;
    expect(error).toMatchObject({ code: 'file-missing', exitCode: 2 });
  });

  it('stop quietly when nobody reads on', async () => {
    const child = spawn('/bin/sh', ['-c', `"${process.execPath}" "${cli}" ls -R system.raw | head -n 1; wait`], {
      cwd: folder,
    });
    let stderr = '';
    child.stderr.on('data', (chunk) => (stderr += chunk));
    await new Promise((resolve) => child.once('close', resolve));
    expect(stderr).toBe('');
    expect(existsSync(join(folder, 'core'))).toBe(false);
  });
});

describe('inspect', { timeout: 30_000 }, () => {
  beforeAll(() => {
    process.env.GVM_HOME = join(folder, 'home');
  });
  afterAll(() => {
    delete process.env.GVM_HOME;
  });

  it('-j reads several images at once, and tells them in their order', async () => {
    const images = Array.from({ length: 9 }, (_, i) => (i === 4 ? 'zero.raw' : i % 2 ? 'system.raw' : 'system.qcow2'));
    writeFileSync(join(folder, 'zero.raw'), Buffer.alloc(2 ** 20));
    const { code, stdout, stderr } = await gvm('inspect', '--json', '--fresh', '-j', '4', ...images);
    const found = stdout
      .trim()
      .split('\n')
      .map((line): { image: string } => JSON.parse(line));
    expect([code, found.map(({ image }) => image)]).toEqual([2, images.filter((image) => image !== 'zero.raw')]);
    expect(stderr).toMatch(/^warning: zero.raw: .*no partition table/m);
  });

  it('--watch tells an image again when its file was written, also after a bad moment, until Ctrl-C', async () => {
    const image = join(folder, 'watched.raw');
    copyFileSync(join(folder, 'system.raw'), image);
    const done = gvm('inspect', '--watch', '--json', 'watched.raw');
    const write = vi.mocked(process.stdout.write);
    const said = vi.mocked(process.stderr.write);
    await vi.waitFor(() => expect(write.mock.calls.join('').match(/"version":1/g)).toHaveLength(1), 20_000);
    await vi.waitFor(() => expect(said.mock.calls.join('')).toContain('watching 1 file'), 20_000);
    writeFileSync(image, Buffer.alloc(2 ** 20));
    await vi.waitFor(() => expect(said.mock.calls.join('')).toContain('no partition table'), 20_000);
    copyFileSync(join(folder, 'system.raw'), image);
    await vi.waitFor(() => expect(write.mock.calls.join('').match(/"version":1/g)).toHaveLength(2), 20_000);
    process.emit('SIGINT', 'SIGINT');
    expect((await done).code).toBe(130);
  });

  it('--watch refuses what cannot be watched', async () => {
    const refused = await gvm('inspect', '--watch', 'nbd://localhost/x');
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('nothing says when')]);
  });
});

describe('patterns', () => {
  it.each([
    ['*.conf', 'a.conf', true],
    ['*.conf', 'a.conf.d', false],
    ['a?c', 'abc', true],
    ['[a-c]x', 'bx', true],
    ['[!a-c]x', 'bx', false],
    ['*a*b*', 'xxaxxbxx', true],
    ['grün*', 'grüner', true],
    ['.', 'x', false],
    ['[', '[', true],
  ])('%s and %s: %s', (pattern, name, matches) => expect(globPattern(pattern)(name)).toBe(matches));

  it('end soon whatever they are', () => {
    expect(globPattern('*a'.repeat(100))(`${'a'.repeat(255)}b`)).toBe(false);
  });
});
