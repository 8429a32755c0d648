import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { phasesOf } from '../../src/facts/boot-time.ts';
import { crashOf } from '../../src/facts/coredump.ts';
import type { CoredumpValue, DmesgValue, JournalValue } from '../../src/facts/index.ts';
import { parseJournal, parseSyslog } from '../../src/facts/journal-lines.ts';
import { parseKernelLog } from '../../src/facts/kernel-log.ts';
import { ask, parse } from './ask.ts';
import { bareGuest, canChroot } from './chroot.ts';
import { localChannel, shells } from './local-channel.ts';

test('the kernel log: levels, programs, lines that go on, lines without a time', () => {
  const text = '<5>[    0.000000] Linux version 6.1\n<12>[    4.5] mark\n second line\n<3>no time\n\n';
  expect(parseKernelLog(text)).toEqual([
    { level: 5, kernel: true, at: 0, text: 'Linux version 6.1' },
    { level: 4, kernel: false, at: 4.5, text: 'mark\n second line' },
    { level: 3, kernel: true, text: 'no time' },
  ]);
  expect(parseKernelLog('what is this')).toEqual([]);
});

test.each(shells.map((shell) => [shell.join(' '), shell] as const))(
  'the log of this kernel, under %s',
  async (_, shell) => {
    const [answer] = await ask(localChannel(shell), 'dmesg', {});
    // Who may not read it is told so.
    if (answer?.value === undefined) expect(answer?.diagnostics[0]).toBe('the log of the kernel cannot be read');
    else expect((answer.value as DmesgValue).length).toBeGreaterThan(10);
  },
);

test.each([
  [
    'Nov 26 07:31:13 guest auth.err sshd[382]: error: closed',
    { identifier: 'sshd', priority: 3, message: 'error: closed' },
  ],
  ['Nov  6 07:31:13 guest syslog.info syslogd started: BusyBox', { priority: 6, message: 'syslogd started: BusyBox' }],
  [
    'Nov 26 07:31:13 guest kern.warn kernel: [    1.0] oops',
    { identifier: 'kernel', priority: 4, message: '[    1.0] oops' },
  ],
  ['Nov 26 07:31:13 guest sshd[382]: Accepted: yes', { identifier: 'sshd', message: 'Accepted: yes' }],
  ['2026-11-26T07:31:13.123456+01:00 guest cron[1]: run', { identifier: 'cron', message: 'run' }],
  ['Nov 26 07:31:13 [kernel] x: y', { identifier: 'kernel', message: 'x: y' }],
  ['nonsense', { message: 'nonsense' }],
])('the line %j of a log file', (line, entry) => {
  expect(parseSyslog(`${line}\n`)).toEqual([entry]);
});

test('journal records: text, bytes, several fields of one name, none, and what is no JSON', () => {
  const records = [
    { MESSAGE: 'hello', PRIORITY: '6', SYSLOG_IDENTIFIER: 'a' },
    { MESSAGE: [104, 105, 255], PRIORITY: '9' },
    { MESSAGE: ['first', 'second'], SYSLOG_IDENTIFIER: null },
    {},
  ];
  const text = records.map((record) => JSON.stringify(record)).join('\n');
  expect(parseJournal(text)).toEqual({
    malformed: 0,
    entries: [
      { identifier: 'a', priority: 6, message: 'hello' },
      { message: 'hi\ufffd' },
      { message: 'first' },
      { message: '' },
    ],
  });
  expect(parseJournal('{"MESSAGE":"cut off\n[]\n5\n').malformed).toBe(2);
});

test('a journal is asked for each question apart; one that was cut off is not believed', () => {
  const line = '{"MESSAGE":"x","PRIORITY":"3","SYSLOG_IDENTIFIER":"a"}\n';
  const parts = {
    system: '',
    'journal.0': line,
    'status.0': '0\n',
    'journal.1': '',
    'status.1': '1\n',
    'journal.2': line,
  };
  const answers = parse('journal', parts, [{}, { unit: 'b' }, {}]);
  expect(answers.map((a) => (a.value as JournalValue | undefined)?.entries.length)).toEqual([1, 0, undefined]);
  expect(answers[2]?.diagnostics).toEqual(['this part of the journal is larger than 4194304 bytes']);
  const [denied] = parse('journal', { 'journal.0': '', 'status.0': '1\n' }, [{}]);
  expect(denied).toEqual({ diagnostics: ["the login user may not read the system's journal"] });
});

describe.runIf(canChroot)('in a guest that has only busybox', () => {
  test('a log file answers what it can', async () => {
    const guest = bareGuest({
      '/var/log/messages':
        'Nov 26 07:31:13 g auth.err sshd[3]: bad\nNov 26 07:31:13 g auth.info sshd[3]: good\nNov 26 07:31:13 g daemon.info x: y\n',
    });
    try {
      const questions = [{ identifier: 'sshd' }, { priority: 3 }, { unit: 'sshd.service' }, { identifier: 'nobody' }];
      const answers = await ask(guest.channel, 'journal', ...questions);
      expect(answers.map((a) => (a.value as JournalValue | undefined)?.entries.map((e) => e.message))).toEqual([
        ['bad', 'good'],
        ['bad'],
        undefined,
        [],
      ]);
      expect(answers[2]?.diagnostics).toEqual(["only systemd's journal knows units; ask for an identifier"]);
      writeFileSync(join(guest.root, 'var/log/messages'), 'Nov 26 07:31:13 g sshd[3]: bad\n');
      const [unknown] = await ask(guest.channel, 'journal', { priority: 3 });
      expect(unknown).toEqual({ diagnostics: ['/var/log/messages holds lines without a priority'] });
    } finally {
      guest.remove();
    }
  });

  test('without any log nothing is said to be absent', async () => {
    const guest = bareGuest({});
    try {
      const [answer] = await ask(guest.channel, 'journal', { identifier: 'a' });
      expect(answer?.diagnostics[0]).toMatch(/^the guest has no journal and none of /);
    } finally {
      guest.remove();
    }
  });

  const core = Buffer.alloc(64);
  core.write('\x7fELF\x02\x01\x01', 'latin1');
  core.writeUInt16LE(4, 16);

  test.each([
    [
      'core',
      ['/core', '/core.123', '/root/core', '/proc/7/cwd/core'],
      ['/core', '/core.123', '/root/core', '/proc/7/cwd/core'],
    ],
    ['/var/crash/%e.%p.core', ['/var/crash/my prog.77.core', '/var/crash/other.txt'], ['/var/crash/my prog.77.core']],
    ['core.%e.%p', ['/tmp/core.bash.5', '/tmp/score.bash.5'], ['/tmp/core.bash.5']],
  ])('dumps under the pattern %s', async (pattern, files, found) => {
    const guest = bareGuest({
      '/proc/sys/kernel/core_pattern': `${pattern}\n`,
      ...Object.fromEntries(files.map((file) => [file, core])),
      '/tmp/core': 'no core file',
      '/proc/kcore': core,
      '/proc/26/cwd/': '',
    });
    symlinkSync('/proc/kcore', join(guest.root, 'proc/26/cwd/core'));
    try {
      const [answer] = await ask(guest.channel, 'coredump', {});
      const value = answer?.value as CoredumpValue | undefined;
      expect({ read: value?.pattern, dumps: value?.dumps.map((d) => d.path).sort() }).toEqual({
        read: pattern,
        dumps: [...found].sort(),
      });
    } finally {
      guest.remove();
    }
  });

  test("systemd's dumps have a program; a folder named core is none", async () => {
    const name = `core.my\\x2eprog.0.${'0a'.repeat(16)}.812.1700000000000000.zst`;
    const guest = bareGuest({
      '/proc/sys/kernel/core_pattern': '|/usr/lib/systemd/systemd-coredump %P %u\n',
      [`/var/lib/systemd/coredump/${name}`]: 'compressed',
    });
    mkdirSync(join(guest.root, 'core'));
    try {
      const [answer] = await ask(guest.channel, 'coredump', {});
      expect((answer?.value as CoredumpValue | undefined)?.dumps).toEqual([
        { path: `/var/lib/systemd/coredump/${name}`, program: 'my\\x2eprog' },
      ]);
    } finally {
      guest.remove();
    }
  });
});

test.each([
  ['sleep[312]: segfault at 0 ip 000055 sp 00007f error 4 in sleep[55+3]', 'sleep', 312],
  ['traps: gcc[9] general protection fault ip:7f sp:7f error:0 in libc.so.6', 'gcc', 9],
  ['traps: my prog[9] trap invalid opcode ip:55 sp:7f error:0', 'my prog', 9],
  ['bash[77]: unhandled exception: DABT (lower EL), ESR 0x92000044', 'bash', 77],
  ['audit: type=1701 audit(1.2:3): auid=0 uid=0 gid=0 ses=1 pid=412 comm="cat" exe="/bin/cat" sig=6', 'cat', 412],
])('the kernel says %j', (text, program, pid) => {
  expect(crashOf(text)).toEqual({ program, pid, line: text });
});

test.each(['usb 1-1: new device', 'EXT4-fs: trap', 'sleep[3]: hello'])('%j is no crash', (text) => {
  expect(crashOf(text)).toBeUndefined();
});

test('what a program writes to the kernel log is not believed', () => {
  const log = '<6>[0.0] Linux\n<12>[1.0] sh[5]: segfault at 0 ip 0\n<6>[1.0] sh[6]: segfault at 0 ip 0\n';
  const [answer] = parse('coredump', { pattern: 'core\n', log }, [{}]);
  expect((answer?.value as CoredumpValue | undefined)?.crashes?.map((c) => c.pid)).toEqual([6]);
  const [denied] = parse('coredump', { pattern: 'core\n', log: '' }, [{}]);
  expect(denied).toEqual({
    value: { pattern: 'core', dumps: [] },
    diagnostics: ['the log of the kernel cannot be read'],
  });
});

describe('boot times', () => {
  const systemd = (times: Record<string, number>) =>
    Object.entries(times).map(([name, us]) => `${name}TimestampMonotonic=${us}`);

  test('of a machine with firmware, loader and initramfs', () => {
    const times = {
      Firmware: 5_000_000,
      Loader: 2_000_000,
      InitRD: 1_500_000,
      Userspace: 4_000_000,
      Finish: 9_000_000,
    };
    expect(phasesOf(systemd(times))).toEqual({
      firmware: 3000,
      loader: 2000,
      kernel: 1500,
      initrd: 2500,
      userspace: 5000,
    });
  });

  test('of one without them, and of one that has not finished', () => {
    const times = { Firmware: 0, Loader: 0, InitRD: 0, Userspace: 1_000_000, Finish: 0 };
    expect(phasesOf(systemd(times))).toEqual({ kernel: 1000 });
    expect(phasesOf(['', 'nonsense', 'UserspaceTimestampMonotonic=x'])).toEqual({});
  });

  test('by the log of the kernel where systemd does not rule', () => {
    const [answer] = parse('boot-time', { log: '<6>[    2.011083] Run /init as init process\n' }, [{}]);
    expect(answer).toEqual({ value: { kernel: 2011.083 }, diagnostics: [] });
    const [gone] = parse('boot-time', { log: '' }, [{}]);
    expect(gone?.diagnostics).toEqual(['the log of the kernel no longer tells when it started init']);
  });
});
