import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { GvmError } from '../../src/errors/index.ts';
import type { Channel } from '../../src/guest/index.ts';
import { builtins, compileSuite, runTest } from '../../src/suite/index.ts';
import { localChannel } from '../facts/local-channel.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gvm-evaluate-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const place = { arch: 'x86_64', memory: 2 ** 30, network: 'restricted', accelerator: 'tcg' } as const;

/** Runs a test of these lines on this host; `$` stands for a folder of its own. */
async function run(
  lines: string,
  channel: Pick<Channel, 'exec'> = localChannel(),
  signal = new AbortController().signal,
  scale = 1,
) {
  const body = lines
    .replaceAll('$', folder)
    .trim()
    .split('\n')
    .map((l) => `    ${l}\n`);
  const plan = compileSuite(`suite: s\ntests:\n  - name: t\n${body.join('')}`, 's.gvm.yaml', builtins);
  const [planned] = plan.tests;
  if (!planned) throw new Error('no test');
  return await runTest(planned, { channel, signal, scale, place, registry: builtins });
}

test('a test that holds: one round trip for all facts, one for each command', async () => {
  const channel = localChannel();
  const verdict = await run(
    `
kernel: { release: { matches: . }, taint: { ge: 0 } }
mount: [{ path: /, exists: true }, { path: /no, exists: false }]
user: { name: root, uid: 0 }
file: { path: $, type: directory }
command: [{ run: "echo one; echo two >&2", stdout: one, stderr: [tw] }, { run: "exit 3", exit: 3 }]
`,
    channel,
  );
  expect(verdict).toMatchObject({ outcome: 'passed', failures: [], diagnostics: [] });
  expect(verdict.commands).toMatchObject([
    { run: 'echo one; echo two >&2', exitCode: 0, stdout: 'one\n', stderr: 'two\n' },
    { run: 'exit 3', exitCode: 3 },
  ]);
  expect(channel.trips).toBe(3);
});

test('every failure is reported, with the place of its key', async () => {
  writeFileSync(join(folder, 'a'), 'one\n', { mode: 0o644 });
  const verdict = await run(`
file:
  - { path: $/a, mode: "0600", size: { gt: 10 }, contents: [one, two] }
  - { path: $/b, exists: true }
command:
  - run: echo hello; echo oops >&2; exit 2
    stdout: [bye]
user: { name: nosuchuser, uid: 5 }
`);
  expect(verdict.outcome).toBe('failed');
  const said = verdict.failures.map(
    (f) => `${f.position?.line}:${f.position?.column} ${f.path.slice(2).join('.')}: ${f.message}`,
  );
  const column = (text: string) => `      - { path: ${folder}/a, ${text}`.length + 1;
  expect(said).toEqual([
    `5:${column('mode: ')} file.0.mode: mode: expected "0600", found "0644"`,
    `5:${column('mode: "0600", size: { gt: ')} file.0.size.gt: size: expected greater than 10B, found 4B`,
    `5:${column('mode: "0600", size: { gt: 10 }, contents: [one, ')} file.0.contents.1: contents: "two" does not occur`,
    `6:${column('exists: ')} file.1.exists: ${folder}/b does not exist`,
    '8:14 command.0.run: exit: expected 0, found 2; it said: oops',
    '9:18 command.0.stdout.0: stdout: "bye" does not occur',
    `10:11 user: there is no user nosuchuser`,
  ]);
  expect(verdict.failures[0]).toMatchObject({
    check: 'file',
    subject: `${folder}/a`,
    expected: '"0600"',
    actual: '"0644"',
    source: `      - { path: ${folder}/a, mode: "0600", size: { gt: 10 }, contents: [one, two] }`,
  });
});

test('commands run after the facts, in the order written', async () => {
  const verdict = await run(`
command:
  - run: cat $/x && echo first >>$/x
    exit: 1
  - run: echo second >$/x
  - { run: cat $/x, stdout: second }
file: { path: $/x, exists: false }
`);
  expect(verdict.failures).toEqual([]);
});

describe('eventually', () => {
  test('asks again until it holds', async () => {
    const channel = localChannel();
    const late = new Promise<void>((resolve) =>
      setTimeout(() => {
        writeFileSync(join(folder, 'late'), '');
        resolve();
      }, 150),
    );
    const verdict = await run(
      `
file: { path: $/late, exists: true, eventually: { within: 10s, every: 30ms } }
kernel: { taint: { ge: 0 } }
command: { run: 'n=$(ls $ | wc -l); touch $/$n; [ $n -ge 4 ]', eventually: { within: 10s, every: 1ms } }
`
        .replaceAll('$n', 'NN')
        .replaceAll('$(', 'OPEN'),
      { exec: (command, options) => channel.exec(command.replaceAll('NN', '$n').replaceAll('OPEN', '$('), options) },
    );
    await late;
    expect(verdict).toMatchObject({ outcome: 'passed', failures: [] });
    expect(verdict.commands).toHaveLength(1);
  });

  test('ends with the last value seen and how often it was asked', async () => {
    const verdict = await run('file: { path: $/x, exists: true }\neventually: { within: 2s, every: 100ms }');
    expect(verdict.outcome).toBe('failed');
    expect(verdict.failures[0]?.message).toMatch(/\/x does not exist \(asked ([2-9]|\d\d) times\)$/);
    expect(verdict.durationMs).toBeGreaterThan(1900);
    expect(verdict.durationMs).toBeLessThan(30_000);
  });
});

describe('deadlines', () => {
  const slow: Pick<Channel, 'exec'> = {
    exec: (_, options) =>
      new Promise((_, reject) =>
        setTimeout(() => reject(new GvmError({ code: 'deadline', message: 'no answer' })), options?.timeout),
      ),
  };

  test('a command has its own, scaled, and the next one still runs', async () => {
    const channel = localChannel();
    const exec: Channel['exec'] = (command, options) =>
      command === 'hang' ? slow.exec(command, options) : channel.exec(command, options);
    const verdict = await run('command: [{ run: hang, timeout: 20ms }, { run: "true" }]', { exec }, undefined, 2);
    expect(verdict.outcome).toBe('timeout');
    expect(verdict.failures).toMatchObject([
      { message: 'did not end within 40 ms', path: ['tests', 0, 'command', 0, 'timeout'] },
    ]);
    expect(verdict.commands).toMatchObject([{ exitCode: null }, { exitCode: 0 }]);
  });

  test('the test has one for all', async () => {
    const verdict = await run('timeout: 50ms\nkernel: { taint: 0 }', slow);
    expect(verdict).toMatchObject({ outcome: 'timeout', error: { code: 'deadline', blame: 'guest' } });
  });
});

test('trouble with the guest is an error, not a failure', async () => {
  const exec = () => Promise.reject(new GvmError({ code: 'channel-closed', message: 'gone', hint: 'look' }));
  expect(await run('kernel: { taint: 0 }', { exec })).toMatchObject({
    outcome: 'error',
    failures: [],
    error: { code: 'channel-closed', message: 'gone', hint: 'look', blame: 'guest' },
  });
});

test('what cannot be learned fails and says why', async () => {
  const verdict = await run('file: { path: $, contents: x }\nopenrc: { crashed: { not: [x] } }');
  expect(verdict.failures.map((f) => f.message)).toEqual([
    `contents: could not be learned: ${folder} is no regular file, or may not be read`,
    'could not be learned: OpenRC does not run the guest: there is no /run/openrc',
  ]);
});

test('the signal ends a test with its reason', async () => {
  const controller = new AbortController();
  const reason = new Error('interrupted');
  const pending = run('command: { run: sleep 30 }', localChannel(), controller.signal);
  setTimeout(() => controller.abort(reason), 100);
  await expect(pending).rejects.toBe(reason);
});

test('a skipped test does nothing', async () => {
  const channel = localChannel();
  const verdict = await run('skip: no hardware\nkernel: { taint: 0 }', channel);
  expect(verdict).toMatchObject({ outcome: 'skipped', reason: 'no hardware' });
  expect(channel.trips).toBe(0);
});

test('variables of a command hold any text', async () => {
  const verdict = await run(
    `command: { run: 'printf %s "$GVM_X"', env: { GVM_X: "it's $(x)\\n" }, stdout: "it's $(x)\\n" }`.replaceAll(
      '$',
      'DOLLAR',
    ),
    {
      exec: (command, options) => localChannel().exec(command.replaceAll('DOLLAR', '$'), options),
    },
  );
  expect(verdict.commands[0]?.stdout).toBe("it's $(x)\n");
});
