import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const cli = new URL('../../dist/cli.js', import.meta.url).pathname;
const gvm = (...args: string[]) =>
  promisify(execFile)(process.execPath, [cli, ...args]).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
  );

test('an unknown command names the nearest one', async () => {
  expect(await gvm('tset')).toEqual({
    code: 2,
    stdout: '',
    stderr: 'error: gvm: unknown command tset\n  hint: did you mean gvm test?\n',
  });
});

test('global options may stand before the command', async () => {
  const { code, stdout } = await gvm('-C', '/', '--json', 'config', 'machine.accel');
  expect({ code, value: JSON.parse(stdout) }).toEqual({
    code: 0,
    value: { key: 'machine.accel', value: 'auto', origin: 'default' },
  });
});

test('options of the command may stand behind global ones, and before its other words', async () => {
  const { code, stderr } = await gvm('-C', '/', 'ls', '-R', '-l', 'no-such-disk.raw');
  expect({ code, stderr }).toEqual({ code: 2, stderr: 'error: no such image file: /no-such-disk.raw\n' });
  expect((await gvm('--recursive', 'ls')).stderr).toContain('gvm ls: too few words');
  expect((await gvm('--volume', 'p1', 'ls')).stderr).toContain('gvm: unknown option --volume');
});

test('--json gives errors as data too', async () => {
  const { code, stdout } = await gvm('schema', 'suit', '--json');
  expect(code).toBe(2);
  expect(JSON.parse(stdout).error).toMatchObject({ code: 'usage', exitCode: 2, hint: 'did you mean suite?' });
});

test('a schema is a JSON Schema of the newest draft', async () => {
  const { stdout } = await gvm('schema', 'suite');
  expect(JSON.parse(stdout)).toMatchObject({ $schema: 'https://json-schema.org/draft/2020-12/schema', type: 'object' });
});

test.each([['--help'], ['--version']])('gvm %s loads none of the rooms that commands need', async (option) => {
  const folder = mkdtempSync(join(tmpdir(), 'gvm-loaded-'));
  try {
    // The coverage of V8 names every script that was loaded.
    await promisify(execFile)(process.execPath, [cli, option], { env: { ...process.env, NODE_V8_COVERAGE: folder } });
    const loaded = readdirSync(folder).flatMap((file) => {
      const { result } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as { result: { url: string }[] };
      return result.map(({ url }) => url);
    });
    const rooms = loaded.flatMap((url) => /\/dist\/([a-z]+)\//.exec(url)?.[1] ?? []);
    expect([...new Set(rooms)].sort()).toEqual(['cli', 'core', 'errors']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('in GitHub Actions no word of a user or a guest is a command, and data stays the same', async () => {
  const args = [cli, 'schema', '##[error]forged\n::error::forged', '--json'];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, {
    env: { ...process.env, GITHUB_ACTIONS: 'true' },
  }).catch((error) => error as { stdout: string; stderr: string });
  for (const text of [stdout, stderr]) expect(text).not.toMatch(/^\s*::|##\[/m);
  expect(JSON.parse(stdout).error.message).toBe('gvm schema: no document is called ##[error]forged\n::error::forged');
});
