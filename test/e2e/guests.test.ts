import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { gvm, home, listing, project, start, survivors } from './gvm.ts';

let at: ReturnType<typeof project>;
const run = (...args: string[]) => gvm(args, { cwd: at.folder });

beforeAll(() => {
  at = project({});
});
afterAll(() => at.remove());

test('a detached guest is listed, entered and stopped', async () => {
  const before = listing(join(home, 'runs'));
  const booted = await run('boot', 'openrc', '--detach', '--name', 'by-hand', '--json');
  expect(booted.code, booted.stderr).toBe(0);
  try {
    const [guest] = JSON.parse((await run('ps', '--json')).stdout);
    expect(guest).toMatchObject({ name: 'by-hand', image: 'openrc' });
    const { stdout, code } = await run('ssh', 'by-hand', '--', 'echo out; echo err >&2; exit 7');
    expect({ stdout, code }).toEqual({ stdout: 'out\n', code: 7 });
    const killed = JSON.parse((await run('ssh', '--json', '--', 'kill -TERM $$')).stdout);
    expect(killed).toMatchObject({ exitCode: 143, signal: 'TERM' });
  } finally {
    const stopped = await run('stop');
    expect(stopped.stdout).toContain('by-hand is off');
  }
  expect((await run('ps')).stdout).toBe('no guest runs\n');
  expect(await survivors()).toEqual([]);
  expect(listing(join(home, 'runs'))).toEqual(before);
});

test.each([
  ['Ctrl-C', 'SIGINT', 130],
  ['kill -9', 'SIGKILL', null],
] as const)('%s while a guest boots into the background ends it', async (_what, signal, code) => {
  const before = listing(join(home, 'runs'));
  const booting = start(['boot', 'openrc', '--detach'], { cwd: at.folder });
  await expect
    .poll(() => listing(join(home, 'runs')).some((name) => name.endsWith('console.log')), { timeout: 30_000 })
    .toBe(true);
  booting.kill(signal);
  expect(await booting.done).toMatchObject({ code });
  expect(await survivors(10_000)).toEqual([]);
  expect(listing(join(home, 'runs'))).toEqual(before);
});

test('run hands on output and exit code, and its own trouble is 125', async () => {
  const { stdout, stderr, code } = await run('run', 'openrc', '--', 'echo out; echo err >&2; exit 3');
  expect({ stdout, code }).toEqual({ stdout: 'out\n', code: 3 });
  expect(stderr).toContain('err\n');
  expect((await run('run', 'no-such-image', '--', 'true')).code).toBe(125);
  expect(await survivors()).toEqual([]);
});
