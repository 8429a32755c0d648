import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { builtinFacts, collect, type ProcessValue } from '../../src/facts/index.ts';
import { isNamed, parseStatus } from '../../src/facts/process.ts';
import { localChannel, shells } from './local-channel.ts';

let folder: string;
const running: { kill(): void; gone: Promise<unknown> }[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gvm-process-'));
  copyFileSync('/bin/sleep', join(folder, 'gvmtest-a-long-name'));
  copyFileSync('/bin/sleep', join(folder, 'gvmtest-a-long-nature'));
  copyFileSync('/bin/sleep', join(folder, 'gvmtest-short'));
});

afterEach(async () => {
  for (const process of running) process.kill();
  await Promise.all(running.splice(0).map((process) => process.gone));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function start(file: string, argv0 = file): Promise<number> {
  const child = spawn(join(folder, file), ['60'], { argv0, stdio: 'ignore' });
  const gone = new Promise((resolve) => child.once('exit', resolve));
  running.push({ kill: () => child.kill('SIGKILL'), gone });
  await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject));
  return child.pid ?? 0;
}

async function ask(names: readonly string[], shell = shells[0]) {
  const requests = names.map((name) => ({ fact: 'process', args: { name } }));
  return await collect(requests, { facts: builtinFacts, channel: localChannel(shell), timeout: 20_000 });
}

describe.each(shells.map((shell) => [shell.join(' '), shell] as const))('under %s', (_, shell) => {
  test('processes are found by their whole name, beyond 15 characters', async () => {
    const me = userInfo().username;
    const pids = [await start('gvmtest-a-long-name'), await start('gvmtest-a-long-name'), await start('gvmtest-short')];
    const names = ['gvmtest-a-long-name', 'gvmtest-a-long-nature', 'gvmtest-a-long-', 'gvmtest-short', 'gvmtest-s'];
    const answers = await ask(names, shell);
    expect(answers.map((a) => a.value)).toEqual([
      {
        count: 2,
        pids: pids
          .slice(0, 2)
          .map(Number)
          .sort((a, b) => (`${a}` < `${b}` ? -1 : 1)),
        users: [me],
      },
      { count: 0, pids: [], users: [] },
      { count: 0, pids: [], users: [] },
      { count: 1, pids: [pids[2]], users: [me] },
      { count: 0, pids: [], users: [] },
    ]);
  });

  test('the collector does not see itself', async () => {
    const [answer] = await ask(['head'], shell);
    // Others may run one; that of the collector has ended by now.
    const { pids } = (answer?.value ?? { pids: [-1] }) as ProcessValue;
    expect(pids.filter((pid) => !existsSync(`/proc/${pid}`))).toEqual([]);
  });
});

test('a process that imitates the framing in its command line is found out', async () => {
  await start('gvmtest-short', 'x\n==> /proc/1/status <==\nName:\tevil\nPid:\t1\nPPid:\t0\nUid:\t0\t0\t0\t0\n');
  const [answer] = await ask(['evil']);
  expect(answer).toEqual({ diagnostics: ['a process of the guest disguises itself in its command line'] });
});

const status = (name: string, uid = 0) =>
  `Name:\t${name}\nUmask:\t0022\nState:\tS\nTgid:\t7\nPid:\t7\nPPid:\t1\nUid:\t${uid}\t0\t0\t0\n`;

test.each([
  ['sshd', 'sshd: /usr/sbin/sshd -D [listener]\0', 'sshd', true],
  ['systemd-journal', '/lib/systemd/systemd-journald\0', 'systemd-journald', true],
  ['systemd-journal', '/lib/systemd/systemd-journald\0', 'systemd-journal', false],
  ['fail2ban-server', '/usr/bin/python3\0/usr/bin/fail2ban-server-x\0', 'fail2ban-server-x', true],
  ['fail2ban-server', '/usr/bin/python3\0/usr/bin/fail2ban-server\0', 'fail2ban-server', true],
  ['bash', '-bash\0', 'bash', true],
  ['MainThread', '/usr/bin/node\0server.js\0', 'node', true],
  ['kworker/0:1-events', '', 'kworker/0:1-events', true],
  ['a\\nb', '', 'a\nb', true],
  ['sshd', 'sshd\0', 'ssh', false],
])('a process with the kernel name %j and the command line %j is named %j: %s', (comm, cmdline, name, expected) => {
  const process = parseStatus(status(comm), cmdline);
  expect(process && isNamed(process, name)).toBe(expected);
});

test('the parser takes any text', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'binary' }),
      fc.string({ minLength: 1 }),
      (a, b, name) => {
        const process = parseStatus(a, b);
        if (process) isNamed(process, name);
        const whole = parseStatus(status('x', 12) + a, b);
        expect(whole?.uid).toBe(12);
      },
    ),
  );
});
