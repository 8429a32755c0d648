import type { GuestRecord, RunRecord, TestRecord } from '../../src/schema/index.ts';

const position = { file: 'suites/boot/boot.gvm.yaml', line: 9, column: 3 };

/** A test's record that passed; what differs is given. */
export function testRecord(name: string, more: Partial<TestRecord> = {}): TestRecord {
  return {
    id: `boot/${name}`,
    name,
    tags: [],
    position,
    outcome: 'passed',
    durationMs: 340,
    guest: 'boot-1',
    failures: [],
    commands: [],
    diagnostics: [],
    retries: 0,
    ...more,
  };
}

export function guestRecord(more: Partial<GuestRecord> = {}): GuestRecord {
  return {
    name: 'boot-1',
    image: { name: 'openrc', digest: 'sha256:1d0c' },
    machine: { memory: 2 ** 30, cpus: 2 },
    argv: ['qemu-system-x86_64', '-nodefaults'],
    kernel: '6.1.0-42-amd64',
    boot: { outcome: 'ready', sshMs: 7400, readyMs: 8900, stages: [{ stage: 'kernel', atMs: 900 }] },
    console: 'guests/boot-1/console.log',
    health: [],
    ...more,
  };
}

/** A run with one test of each outcome that a suite can come to, a guest with a health finding and an error. */
export function exampleRun(more: Partial<RunRecord> = {}): RunRecord {
  const tests = [
    testRecord('reaches the default runlevel'),
    testRecord('runs the kernel it was built with', {
      outcome: 'failed',
      durationMs: 1234,
      failures: [
        {
          check: 'kernel',
          path: ['tests', 1, 'kernel', 'release', 'matches'],
          position: { ...position, line: 11, column: 34 },
          message: 'release: "6.1.0" does not match /^7\\./',
          expected: '/^7\\./',
          actual: '"6.1.0"',
          source: '    kernel: { release: { matches: "^7\\\\." } }',
        },
        {
          check: 'command',
          subject: 'emerge --info\n# and more',
          path: ['tests', 1, 'command', 'run'],
          position: { ...position, line: 12, column: 21 },
          message: 'exit: expected 0, found 1; it said: no such thing',
          expected: '0',
          actual: '1',
          source: '    command: { run: "emerge --info" }',
        },
      ],
      commands: [{ run: 'emerge --info', exitCode: 1, durationMs: 20, stdout: 'Portage\n', stderr: 'no such thing\n' }],
      diagnostics: ['the fact "kernel" took long'],
    }),
    testRecord('is not ready for this', { outcome: 'skipped', reason: 'waits for <hardware> & "time"', durationMs: 0 }),
    testRecord('comes too late', {
      outcome: 'timeout',
      durationMs: 120_000,
      error: { code: 'deadline', message: 'no answer within 120 s', blame: 'guest' },
    }),
    testRecord('lost its guest', {
      outcome: 'error',
      error: { code: 'guest-lost', message: 'the guest ended', hint: 'see the console log', blame: 'guest' },
    }),
    testRecord('lost it too', {
      outcome: 'error',
      error: { code: 'guest-lost', message: 'the guest ended', hint: 'see the console log', blame: 'guest' },
    }),
  ];
  return {
    version: 1,
    gvm: '0.1.0',
    id: '20261123-220000-abcd',
    started: '2026-11-23T22:00:00.000Z',
    durationMs: 135_000,
    args: ['test', 'suites/boot', '--accel', 'tcg', '-t', 'old'],
    environment: { CI: 'true' },
    host: { hostname: 'builder', os: 'Debian 12', arch: 'x86_64', cpus: 2, memory: 8 * 2 ** 30, node: '20.20.0' },
    accelerator: { name: 'tcg', reason: 'KVM runs no guest here' },
    qemu: { version: '7.2.15', path: '/usr/bin/qemu-system-x86_64' },
    guests: [
      guestRecord({
        health: [
          { kind: 'crashed-service', message: 'the service ntpd crashed or failed', when: 'release' },
          { kind: 'warning', message: 'WARNING: at x', when: 'ready', atMs: 10, allowed: 'known: TRACK-1' },
          { kind: 'taint', message: 'the kernel is tainted', when: 'ready', expired: '2026-01-01' },
        ],
      }),
    ],
    suites: [{ file: position.file, name: 'boot', sha256: 'ab'.repeat(32), tests }],
    errors: [{ code: 'tool-failed', message: 'qemu-img ended with exit code 1', blame: 'host' }],
    totals: {
      tests: 6,
      passed: 1,
      failed: 1,
      flaky: 0,
      error: 2,
      timeout: 1,
      skipped: 1,
      xfailed: 0,
      xpassed: 0,
      health: 2,
    },
    exitCode: 1,
    ...more,
  };
}

/** The console of the example's guest. */
export const exampleConsole = new Map([
  [
    'boot-1',
    '[    0.240] Linux version 6.1.0-42-amd64\n[    3.300] Run /init as init process\n[    8.900] boot-1 login:\n',
  ],
]);
