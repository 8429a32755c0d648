import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { GvmError } from '../../src/errors/index.ts';
import { builtins, compileSuite, type GuestControl, runTest } from '../../src/suite/index.ts';
import { localChannel } from '../facts/local-channel.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gvm-steps-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const place = { arch: 'x86_64', memory: 2 ** 30, network: 'restricted', accelerator: 'tcg' } as const;

interface Given {
  control?: GuestControl;
  scale?: number;
  today?: string;
}

/** Runs the one test of a suite on this host; `@` stands for a folder of its own. */
async function run(lines: string, { control, scale = 1, today = '2027-06-15' }: Given = {}) {
  const body = lines
    .replaceAll('@', folder)
    .trim()
    .split('\n')
    .map((line) => `    ${line}\n`);
  const { tests } = compileSuite(`suite: s\ntests:\n  - name: t\n${body.join('')}`, 's.gvm.yaml', builtins);
  const [planned] = tests;
  if (!planned) throw new Error('no test');
  const signal = new AbortController().signal;
  const channel = localChannel();
  const given = { channel, signal, scale, place, registry: builtins, today: new Date(`${today}T12:00:00Z`) };
  return { ...(await runTest(planned, { ...given, ...(control ? { control } : {}) })), trips: channel.trips };
}

const failures = (verdict: { failures: { position?: { line: number } | undefined; message: string }[] }) =>
  verdict.failures.map(({ position, message }) => `${position?.line}: ${message}`);

describe('steps', () => {
  test('run in order, each gathering anew', async () => {
    const verdict = await run(`
steps:
  - file: { path: @/a, exists: false }
  - command: { run: "echo one > @/a" }
  - file: { path: @/a, contents: one }
  - wait: 50ms
  - command: [{ run: "echo two > @/a" }, { run: "rm @/a" }]
  - file: { path: @/a, exists: false }
`);
    expect(verdict).toMatchObject({ outcome: 'passed', failures: [], trips: 6 });
    expect(verdict.durationMs).toBeGreaterThanOrEqual(50);
    expect(verdict.commands).toHaveLength(3);
  });

  test('end at the first that fails, of which every failure is reported', async () => {
    const verdict = await run(`
steps:
  - file: [{ path: @/a, exists: true }, { path: @/b, exists: true }]
  - command: { run: "touch @/never" }
`);
    expect(verdict.outcome).toBe('failed');
    expect(failures(verdict)).toEqual([`5: ${folder}/a does not exist`, `5: ${folder}/b does not exist`]);
    expect(verdict).toMatchObject({ commands: [], trips: 1 });
  });

  test('wait until a check holds', async () => {
    const late = setTimeout(() => writeFileSync(join(folder, 'late'), ''), 200);
    const verdict = await run(
      'steps:\n  - file: { path: @/late, exists: true, eventually: { within: 10s, every: 20ms } }',
    );
    clearTimeout(late);
    expect(verdict.outcome).toBe('passed');
  });

  test('wait no longer than the test may last', async () => {
    const verdict = await run('timeout: 50ms\nsteps: [{ wait: 20s }]');
    expect(verdict.outcome).toBe('timeout');
    expect(failures(verdict)).toEqual(['5: the time of the test is over before this wait is']);
  });
});

describe('power and cables', () => {
  const calls: unknown[] = [];
  const control: GuestControl = {
    restart: async (how, { timeout }) => {
      calls.push([how, timeout]);
      return { readyMs: 3000 };
    },
    network: async (up) => void calls.push(['network', up]),
    milestone: async () => void calls.push('milestone'),
    rollback: async () => void calls.push('rollback'),
  };

  test('are asked for in order', async () => {
    calls.length = 0;
    const steps = '[{ reboot: { within: 2s } }, { network: cut }, { network: { state: restored } }, { crash: {} }]';
    expect(await run(`steps: ${steps}`, { control, scale: 2 })).toMatchObject({ outcome: 'passed', trips: 0 });
    expect(calls).toEqual([
      ['reboot', 2000],
      ['network', false],
      ['network', true],
      ['crash', undefined],
    ]);
  });

  test('a milestone is kept after its step, and only where that held', async () => {
    calls.length = 0;
    const [one, other] = ['milestone: true, command: { run: "true" }', 'command: { run: "exit 3" }, milestone: true'];
    const verdict = await run(`steps: [{ ${one} }, { rollback: {} }, { ${other} }, { rollback: {} }]`, { control });
    expect(verdict.outcome).toBe('failed');
    expect(calls).toEqual(['milestone', 'rollback']);
    expect(await run(`steps: [{ ${one} }]`)).toMatchObject({ outcome: 'error', error: { code: 'usage' } });
  });

  test('a boot that takes longer than it may is a failure', async () => {
    const verdict = await run('steps:\n  - reboot: { within: 1s }\n  - crash: {}', { control, scale: 2 });
    expect(failures(verdict)).toEqual(['5: was ready again after 3.0 s']);
    expect(verdict.failures[0]).toMatchObject({ expected: 'within 2.0 s (1.0 s × 2)', check: 'reboot' });
  });

  test('a boot that dies is an error of the test', async () => {
    const dead = { ...control, restart: () => Promise.reject(new GvmError({ code: 'boot-failed', message: 'dead' })) };
    expect(await run('steps: [{ crash: {} }, { wait: 1s }]', { control: dead })).toMatchObject({
      outcome: 'error',
      error: { code: 'boot-failed', blame: 'guest' },
    });
  });

  test('nobody has a hand on a guest that is not ours', async () => {
    expect(await run('steps: [{ network: cut }]')).toMatchObject({ outcome: 'error', error: { code: 'usage' } });
  });
});

describe('conditions', () => {
  test.each([
    ['skip: not today', 'not today'],
    ['only_if: "exit 3"', 'only_if: exit 3 exited with 3'],
    ['needs: { arch: aarch64 }', 'needs arch aarch64: the guest is x86_64'],
    ['needs: { memory: 2G }', 'needs 2G of memory: the guest has 1G'],
    ['needs: { network: internet }', "needs network internet: the guest's is restricted"],
    ['needs: { kvm: true }', 'needs kvm: the guest runs under TCG'],
    [
      'needs: { tool: [sh, no-such-tool, nor-this] }',
      'needs tool no-such-tool, nor-this: the guest has no such program',
    ],
  ])('%s', async (line, reason) => {
    const whole = await run(`${line}\ncommand: { run: "touch @/never" }`);
    expect(whole).toMatchObject({ outcome: 'skipped', reason, commands: [] });
    const part = await run(`command: [{ run: "true", ${line} }, { run: "true" }]`);
    expect(part).toMatchObject({
      outcome: 'passed',
      skippedChecks: [{ check: 'command', subject: 'true', position: { line: 4 }, reason }],
    });
    expect(part.commands).toHaveLength(1);
  });

  test('what is there is run', async () => {
    const line = 'needs: { arch: x86_64, memory: 1G, network: restricted, tool: sh }\nonly_if: "true"';
    expect(await run(`${line}\nkernel: { taint: { ge: 0 } }`)).toMatchObject({ outcome: 'passed', failures: [] });
  });

  test('a test none of whose checks is run is skipped, not passed', async () => {
    const verdict = await run('kernel: { taint: 0, skip: one }\ncommand: { run: "true", skip: two }');
    expect(verdict).toMatchObject({ outcome: 'skipped', reason: 'one; two' });
  });
});

describe('what is known to fail', () => {
  const known = 'xfail: { reason: bug, tracker: T-1, until: 2027-06-15 }';

  test('does not count', async () => {
    const verdict = await run(`${known}\ncommand: { run: "false" }`);
    expect(verdict).toMatchObject({ outcome: 'xfailed', reason: 'bug (T-1)', failures: [] });
    expect(verdict.known).toMatchObject([{ check: 'command', position: { line: 5 } }]);
  });

  test('counts where it holds', async () => {
    const verdict = await run(`${known}\ncommand: { run: "true" }`);
    expect(verdict.outcome).toBe('xpassed');
    expect(failures(verdict)).toEqual(['4: is known to fail (bug (T-1)), and holds: take the xfail out']);
  });

  test('counts again after its last day, and is named', async () => {
    const verdict = await run(`${known}\ncommand: { run: "false" }`, { today: '2027-06-16' });
    expect(verdict.outcome).toBe('failed');
    expect(failures(verdict)[0]).toMatch(/\(its xfail ended on 2027-06-15: bug \(T-1\)\)$/);
    expect(await run(`${known}\ncommand: { run: "true" }`, { today: '2027-06-16' })).toMatchObject({
      outcome: 'passed',
    });
  });

  test('covers one check and no other', async () => {
    const one = 'command: [{ run: "false", xfail: { reason: bug } }, { run: "RUN" }]';
    expect(await run(one.replace('RUN', 'true'))).toMatchObject({ outcome: 'xfailed', reason: 'bug', failures: [] });
    const two = await run(one.replace('RUN', 'exit 2'));
    expect(two.outcome).toBe('failed');
    expect(two.failures).toMatchObject([{ subject: 'exit 2' }]);
    expect(two.known).toHaveLength(1);
    const three = await run('command: [{ run: "true", xfail: { reason: bug } }, { run: "true" }]');
    expect(three).toMatchObject({ outcome: 'xpassed', failures: [{ check: 'command', position: { line: 4 } }] });
  });

  test('lets the steps after it run', async () => {
    const verdict = await run(
      'steps:\n  - command: { run: "false", xfail: { reason: bug } }\n  - command: { run: "true" }',
    );
    expect(verdict.outcome).toBe('xfailed');
    expect(verdict.commands).toHaveLength(2);
  });
});
