import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findTool } from '../../src/process/index.ts';

const cli = new URL('../../dist/cli.js', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'gvm-encrypted-'));
const run = (tool: string, ...args: string[]) =>
  execFileSync(findTool(tool) ?? tool, args, { cwd: folder, stdio: 'pipe' });

beforeAll(() => {
  execFileSync('mkdir', ['tree'], { cwd: folder });
  writeFileSync(join(folder, 'tree/note'), 'it was encrypted\n');
  writeFileSync(join(folder, 'key'), 'a passphrase\n');
  writeFileSync(join(folder, 'empty'), '');
  writeFileSync(join(folder, 'disk.raw'), '');
  truncateSync(join(folder, 'disk.raw'), 4 * 2 ** 20);
  run('mke2fs', '-q', '-F', '-d', 'tree', 'disk.raw');
  truncateSync(join(folder, 'disk.raw'), 12 * 2 ** 20);
  const kdf = ['--pbkdf=pbkdf2', '--pbkdf-force-iterations=1000'];
  run('cryptsetup', 'reencrypt', '--encrypt', '-q', '--reduce-device-size=8M', '--key-file=key', ...kdf, 'disk.raw');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function gvm(args: string[], stdio: ('pipe' | number)[] = ['pipe', 'pipe', 'pipe'], input?: string) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], {
    cwd: folder,
    stdio,
    input,
    encoding: 'utf8',
  });
  return { code: status, stdout, stderr };
}

test('an encrypted disk is shown as locked, and how it is opened', () => {
  const { code, stdout, stderr } = gvm(['partitions', 'disk.raw']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^disk +0 +12M +LUKS2, locked /m);
  expect(stderr).toBe(
    'volume disk is encrypted (LUKS2) and is locked; give the file that holds its passphrase or key: --key-file FILE (- or /dev/fd/N for an open descriptor)\n',
  );
  expect(gvm(['ls', 'disk.raw'])).toMatchObject({ code: 2, stderr: expect.stringContaining('hint: give the file') });
});

test('a key comes from a file, from standard input or from a descriptor', () => {
  expect(gvm(['cat', '--key-file', 'key', 'disk.raw', '/note']).stdout).toBe('it was encrypted\n');
  expect(gvm(['cat', '--key-file', '-', 'disk.raw', '/note'], undefined, 'a passphrase\n').stdout).toBe(
    'it was encrypted\n',
  );
  const key = openSync(join(folder, 'key'), 'r');
  const given = gvm(['cat', '--key-file', '/dev/fd/3', 'disk.raw', '/note'], ['pipe', 'pipe', 'pipe', key]);
  closeSync(key);
  expect(given.stdout).toBe('it was encrypted\n');
  const { stdout } = gvm(['partitions', '--key-file', 'key', 'disk.raw']);
  expect(stdout).toMatch(/^luks:disk +8M +LUKS2 aes-xts-plain64 on disk +ext2 /m);
});

test('a key that opens nothing, is empty or is not there is told', () => {
  expect(gvm(['ls', '--key-file', 'tree/note', 'disk.raw'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('is not opened by the key given'),
  });
  expect(gvm(['ls', '--key-file', 'empty', 'disk.raw'])).toMatchObject({
    code: 2,
    stderr: 'error: --key-file empty is empty\n',
  });
  expect(gvm(['ls', '--key-file', 'gone', 'disk.raw'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('gone cannot be read'),
  });
});
