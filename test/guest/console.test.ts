import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ConsoleClassifier, type ConsoleLine, HealthWatch } from '../../src/guest/index.ts';
import { ConsoleLines, LONGEST_LINE } from '../../src/guest/serial/lines.ts';
import { signatures } from '../../src/guest/serial/signatures.ts';

const folder = new URL('../fixtures/console/', import.meta.url);
const capture = (name: string) => readFileSync(new URL(`${name}.txt`, folder));

/** A console as it was captured from QEMU 7.2, read in one go. */
function read(bytes: Buffer): { lines: ConsoleLine[]; waiting: ConsoleLine | undefined } {
  const splitter = new ConsoleLines();
  return { lines: splitter.push(bytes, 0), waiting: splitter.partial() };
}

function classify(lines: readonly ConsoleLine[]): ConsoleClassifier {
  const classifier = new ConsoleClassifier();
  for (const line of lines) classifier.push(line);
  return classifier;
}

const line = (text: string, at = 0): ConsoleLine => ({ text, at });

describe('the lines of a console', () => {
  test('are the same however the bytes are cut', () => {
    const names = readdirSync(folder);
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1 }),
        (name, cuts) => {
          const bytes = readFileSync(new URL(name, folder));
          const splitter = new ConsoleLines();
          const lines: string[] = [];
          for (let at = 0, i = 0; at < bytes.length; i++) {
            const next = at + (cuts[i % cuts.length] ?? 1);
            lines.push(...splitter.push(bytes.subarray(at, next), i).map((l) => l.text));
            at = next;
          }
          expect(lines).toEqual(read(bytes).lines.map((l) => l.text));
        },
      ),
      { numRuns: 50 },
    );
  });

  test('carry the time of their first byte', () => {
    const splitter = new ConsoleLines();
    expect(splitter.push(Buffer.from('first half'), 5)).toEqual([]);
    expect(splitter.push(Buffer.from(' and second\r\n'), 9)).toEqual([line('first half and second', 5)]);
    expect(splitter.push(Buffer.from('next\n'), 11)).toEqual([line('next', 11)]);
    // Firmware leaves its line open, and a kernel that was told to be quiet speaks seconds later.
    const panic = '[    3.274504] Kernel panic - not syncing';
    splitter.push(Buffer.from('\x1b[2J\x1b[1;1H'), 20);
    splitter.push(Buffer.from('Booting from ROM..'), 30);
    expect(splitter.push(Buffer.from(`${panic}\n`), 4000)).toEqual([line('Booting from ROM..', 30), line(panic, 4000)]);
  });

  test('go on where firmware sets the cursor behind a first character', () => {
    const { waiting } = read(Buffer.from('no more.\r\n\r\ng\x1b[09;01H\x1b[09;02Hrub> '));
    expect(waiting?.text).toBe('grub> ');
    expect(read(Buffer.from('one\x1b[02;05Htwo\x1b[03;01H\x1b[03;02Hthree')).waiting?.text).toBe('three');
  });

  test('come in pieces where a guest never ends them', () => {
    const splitter = new ConsoleLines();
    let pieces = 0;
    for (let i = 0; i < 160; i++) pieces += splitter.push(Buffer.alloc(65_536, 'x'), i).length;
    expect(pieces).toBe((160 * 65_536) / LONGEST_LINE);
    expect(splitter.push(Buffer.alloc(70_000), 1)).toEqual([]);
  });

  test('have no escape sequences and no NULs, and a kernel begins its own', () => {
    const { lines } = read(Buffer.from('\u001b[0;31mred\u001b[0m\0!\r\nhalf a line[    1.234567] kernel\r\n'));
    expect(lines.map((l) => l.text)).toEqual(['red!', 'half a line', '[    1.234567] kernel']);
  });
});

test.each(signatures)('$cause: $example', ({ pattern, example }) => {
  expect(example).toMatch(pattern);
});

const ended = { kind: 'ended' } as const;

describe('a boot that stops', () => {
  const quiet = { kind: 'quiet', ms: 2500, scale: 1, reach: 'pending' } as const;
  test.each([
    ['seabios-empty-disk', quiet, 'firmware', 'no-bootable-disk', 'No bootable device.'],
    ['ovmf-empty-disk', quiet, 'firmware', 'no-bootable-disk', 'Shell>'],
    ['grub-rescue', quiet, 'loader', 'loader-failed', 'grub rescue>'],
    ['grub-prompt', quiet, 'loader', 'loader-failed', "error: disk `hd0,gpt2' not found."],
    // GRUB on the serial line and on the screen that SeaBIOS shows there.
    ['grub-mixed', quiet, 'loader', 'loader-failed', "error: file `/boot/vmlinuz-0' not found."],
    ['kernel-no-root', ended, 'kernel', 'root-missing', 'VFS: Unable to mount root fs'],
    ['kernel-no-root-hangs', quiet, 'kernel', 'root-missing', 'end Kernel panic'],
    ['initramfs-no-root', ended, 'initrd', 'root-missing', 'not found after 20 s; found: vda (GPT)'],
    ['initramfs-shell', quiet, 'initrd', 'emergency-shell', '/ #'],
    ['init-exits', ended, 'init', 'init-failed', 'Attempted to kill init!'],
    ['init-missing', ended, 'init', 'init-failed', 'No working init found'],
  ])('%s', (name, agreement, stage, cause, shown) => {
    const { lines, waiting } = read(capture(name));
    const verdict = classify(lines).judge(agreement, waiting);
    expect(verdict).toMatchObject({ stage, cause, blame: 'guest' });
    expect(verdict?.evidence.join('\n')).toContain(shown);
  });

  test('firmware whose prompt was lost is given up where it only waits', () => {
    const classifier = classify([line('BdsDxe: failed to load Boot0001 "UEFI Misc Device": Not Found')]);
    const waits = { ...quiet, ms: 5000, activity: 'idle' } as const;
    expect(classifier.judge(waits)?.cause).toBe('no-bootable-disk');
    expect(classifier.judge({ ...waits, ms: 4900 })).toBeUndefined();
    expect(classifier.judge({ ...waits, activity: 'busy' })).toBeUndefined();
  });

  test.each([
    ['dracut:/# ', ['dracut-initqueue[312]: Warning: dracut-initqueue: timeout, still waiting'], 'root-missing'],
    ['(initramfs) ', ['ALERT!  UUID=1-2 does not exist.  Dropping to a shell!'], 'root-missing'],
    ['Give root password for maintenance', ['You are in emergency mode.'], 'emergency-shell'],
    ['(or press Control-D to continue): ', [], 'emergency-shell'],
    ['Press Enter to continue.', ['Cannot open access to console, the root account is locked.'], 'emergency-shell'],
  ])('at the prompt %s', (prompt, before, cause) => {
    const classifier = classify(before.map((text) => line(text)));
    expect(classifier.judge({ ...quiet, ms: 100 }, line(prompt))).toBeUndefined();
    expect(classifier.judge(quiet, line(prompt))?.cause).toBe(cause);
  });

  test('is not given up while nothing agrees', () => {
    const panic = classify([line('[    1.000000] Kernel panic - not syncing: out of ideas')]);
    expect(panic.judge({ kind: 'quiet', ms: 500, scale: 1, reach: 'pending' })).toBeUndefined();
    expect(panic.judge({ kind: 'quiet', ms: 60_000, scale: 1, reach: 'answered' })).toBeUndefined();
    expect(panic.judge({ kind: 'quiet', ms: 60_000, scale: 1, reach: 'refused' })).toBeUndefined();
    expect(panic.judge({ kind: 'quiet', ms: 3000, scale: 1, reach: 'pending' })?.cause).toBe('kernel-panic');
  });

  test.each([
    ['grub> ', true],
    ['grub>grub>  ', true],
    ['grub > ', true],
    ['grgrub> ub> ', true],
    ['grub', false],
    ['bug> ', false],
    ['grub> linux', false],
    ['grub> grub> grub> ', false],
  ])('GRUB waits at %j: %s', (prompt, waits) => {
    expect(classify([line('Welcome to GRUB!')]).isPrompt(line(prompt))).toBe(waits);
  });

  test('is given up at once where the processors agree', () => {
    const now = { kind: 'quiet', ms: 1000, scale: 8, reach: 'pending' } as const;
    const shell = line('(initramfs) ');
    const initrd = classify([line('Begin: Mounting root file system')]);
    expect(initrd.judge({ ...now, activity: 'busy' }, shell)).toBeUndefined();
    expect(initrd.judge({ ...now, activity: 'idle' }, shell)?.cause).toBe('emergency-shell');
    const panic = classify([line('[    1.000000] Kernel panic - not syncing: out of ideas')]);
    expect(panic.judge({ ...now, activity: 'idle' })).toBeUndefined();
    expect(panic.judge({ ...now, activity: 'stopped' })?.cause).toBe('kernel-panic');
    const sector = classify([line('Booting from Hard Disk...')]);
    expect(sector.judge({ ...now, activity: 'real-mode' })).toBeUndefined();
    expect(sector.judge({ ...now, activity: 'real-mode', emptyBootSector: true })?.cause).toBe('no-boot-loader');
    const loader = classify([line('Welcome to GRUB!')]);
    expect(loader.judge({ ...now, activity: 'busy' }, line('grub> '))?.cause).toBe('loader-failed');
  });

  test('that waits after a line of its own is believed like a prompt, whether or not its network is up', () => {
    const idle = { kind: 'quiet', ms: 1500, scale: 4, activity: 'idle', reach: 'refused' } as const;
    const locked = classify([
      line('Welcome to Gentoo Linux!'),
      line('[FAILED] Failed to start systemd-fs…eck on /dev/disk/by-label/data.'),
      line('Cannot open access to console, the root account is locked.'),
      line('Press Enter to continue.'),
    ]);
    expect(locked.judge(idle)?.cause).toBe('fsck-failed');
    expect(locked.judge({ ...idle, activity: 'busy' })).toBeUndefined();
    locked.push(line('Starting sshd ...'));
    expect(locked.judge(idle)).toBeUndefined();
  });

  test('of a loader that writes everything twice is one all the same', () => {
    const loader = classify([line('Welcome to GRUB!')]);
    expect(loader.judge({ kind: 'quiet', ms: 1500, scale: 4, reach: 'pending' }, line('grub>grub>  '))?.cause).toBe(
      'loader-failed',
    );
  });

  test.each([
    ['root=UUID=2c9e4d70-5f1b ro', undefined, 'no-initramfs'],
    ['root=UUID=2c9e4d70-5f1b root=/dev/vda2', undefined, 'root-missing'],
    [undefined, 'root=/dev/vda2 root=LABEL=gentooroot', 'no-initramfs'],
    [undefined, undefined, 'root-missing'],
  ])('a kernel that was told "%s" and says that it was told "%s" lacks %s', (told, says, cause) => {
    const kernel = new ConsoleClassifier(told);
    if (says) kernel.push(line(`[    0.031000] Kernel command line: ${says}`));
    kernel.push(line('[    2.100000] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)'));
    expect(kernel.judge({ kind: 'ended' })?.cause).toBe(cause);
  });

  test('at a login prompt waits for its SSH server as long as init may still start it', () => {
    const idle = { kind: 'quiet', ms: 1500, scale: 4, activity: 'idle', reach: 'refused' } as const;
    const systemd = classify([line('Welcome to Gentoo Linux!')]);
    const prompt = line('one login: ');
    expect(systemd.judge(idle, prompt)).toBeUndefined();
    expect(systemd.judge({ ...idle, ms: 119_000, activity: 'busy' }, prompt)).toBeUndefined();
    expect(systemd.judge({ ...idle, ms: 121_000 }, prompt)?.cause).toBe('no-ssh');
    systemd.push(line('[  OK  ] Reached target multi-user.target - Multi-User System.'));
    expect(systemd.judge(idle, prompt)?.cause).toBe('no-ssh');
    const openrc = classify([line('OpenRC 0.45.2 is starting up'), line(' * ERROR: net failed to start')]);
    expect(openrc.judge({ ...idle, reach: 'pending' }, line('root@one:~# '))).toBeUndefined();
    expect(openrc.judge(idle, line('root@one:~# '))?.cause).toBe('service-failed');
    const chained = ' * ERROR: cannot start sshd as net would not start';
    openrc.push(line(chained));
    expect(openrc.judge({ ...idle, reach: 'pending' }, line('root@one:~# '))?.evidence).toContain(chained.trim());
    expect(openrc.judge({ ...idle, reach: 'pending', activity: 'busy' }, line('root@one:~# '))).toBeUndefined();
    const deaf = classify([line('OpenRC 0.45.2 is starting up')]);
    expect(deaf.judge({ ...idle, reach: 'pending', driverless: true }, prompt)?.cause).toBe('no-network-driver');
    expect(deaf.judge({ ...idle, driverless: false }, prompt)?.cause).toBe('no-ssh');
  });

  test.each([
    ['no-initramfs', '[ 1.0] VFS: Cannot open root device "UUID=1-2" or unknown-block(0,0): error -6'],
    ['root-missing', '[ 1.0] VFS: Cannot open root device "vda2" or unknown-block(0,0): error -6'],
    [
      'illegal-instruction',
      '[ 1.0] traps: init[1] trap invalid opcode ip:400078 sp:7ffc2a0 error:0 in init[400000+1000]',
    ],
    [
      'missing-library',
      'openrc-init: error while loading shared libraries: librc.so.1: cannot open shared object file: No such file',
    ],
    ['out-of-memory', '[ 1.0] Kernel panic - not syncing: System is deadlocked on memory'],
    ['fsck-failed', '/dev/vdb: UNEXPECTED INCONSISTENCY; RUN fsck MANUALLY.'],
    ['modules-missing', 'modprobe: FATAL: Module virtio_net not found in directory /lib/modules/6.1.0'],
  ])('%s', (cause, text) => {
    expect(classify([line(text.replace('[ 1.0]', '[    1.000000]'))]).judge(ended)?.cause).toBe(cause);
  });
});

test('a guest that was ready is explained by the last words of its kernel', () => {
  const classifier = classify(signatures.map(({ example }, i) => line(`[    1.000000] ${example}`, i)));
  classifier.settle();
  expect(classifier.judge(ended)).toBeUndefined();
  for (const { example } of signatures) classifier.push(line(example, 100));
  expect(classifier.judge(ended)).toBeUndefined();
  classifier.push(line('[    2.000000] Kernel panic - not syncing: Attempted to kill init!', 101));
  for (let i = 0; i < 200; i++)
    classifier.push(line('[    2.000000] Kernel panic - not syncing: System is deadlocked on memory', 102));
  classifier.push(line('[    3.000000] Kernel panic - not syncing: sysrq triggered crash', 103));
  expect(classifier.judge(ended)?.cause).toBe('kernel-panic');
});

describe('a boot that goes well', () => {
  const forged = [
    ...['[    3.000000] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)'],
    ...['Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100', 'No working init found.'],
    ...['gvm-initramfs: root device UUID=1 not found after 5 s; found: nothing', 'ALERT!  /dev/x does not exist.'],
    ...['No bootable device.', 'Boot failed: not a bootable disk', 'BdsDxe: No bootable option or device was found.'],
    ...['Shell> ', 'grub rescue> ', 'grub> ', 'error: unknown filesystem.', '(initramfs) ', 'dracut:/# ', '/ # '],
    ...['Give root password for maintenance', 'You are in emergency mode.', 'systemd[1]: Freezing execution.'],
    ...[' * ERROR: net.eth0 failed to start'],
  ];

  test('shows its stages in order', () => {
    const classifier = new ConsoleClassifier();
    const stages = read(capture('openrc-healthy')).lines.flatMap((l) => classifier.push(l) ?? []);
    expect(stages).toEqual(['firmware', 'kernel', 'init', 'network', 'ssh']);
  });

  test('is never given up, whatever is printed in between', () => {
    const { lines } = read(capture('openrc-healthy'));
    const init = lines.findIndex((l) => l.text.includes('is starting up'));
    fc.assert(
      fc.property(fc.integer({ min: init, max: lines.length - 1 }), fc.shuffledSubarray(forged), (at, texts) => {
        const classifier = classify(lines.slice(0, at + 1));
        for (const text of texts) {
          classifier.push(line(text));
          expect(classifier.judge({ kind: 'quiet', ms: 1000, scale: 1, reach: 'pending' })).toBeUndefined();
        }
        for (const next of lines.slice(at + 1)) {
          classifier.push(next);
          expect(classifier.judge({ kind: 'quiet', ms: 1400, scale: 1, reach: 'pending' })).toBeUndefined();
        }
        classifier.reach('ssh');
        expect(classifier.judge({ kind: 'quiet', ms: 60_000, scale: 1, reach: 'answered' })).toBeUndefined();
      }),
    );
  });

  test('takes back what a shell of the serial console looks like', () => {
    const classifier = classify([line('OpenRC 0.45.2 is starting up')]);
    for (const prompt of ['/ # ', '~ # ', 'bash-5.2# ', 'grub> ', 'Shell> ']) {
      expect(classifier.judge({ kind: 'quiet', ms: 60_000, scale: 1, reach: 'pending' }, line(prompt))).toBeUndefined();
    }
  });
});

describe('the health of a kernel', () => {
  const findings = (...texts: string[]) => {
    const watch = new HealthWatch();
    for (const text of texts) watch.push(line(text, 1234.5));
    return watch.findings();
  };

  test.each([
    ['panic', 'Kernel panic - not syncing: Fatal exception'],
    ['oops', 'BUG: kernel NULL pointer dereference, address: 0000000000000010'],
    ['oops', 'Oops: 0002 [#1] PREEMPT SMP NOPTI'],
    ['oops', 'BUG: KASAN: slab-out-of-bounds in foo+0x12/0x20'],
    ['oops', 'kernel BUG at mm/slub.c:381!'],
    ['warning', 'WARNING: CPU: 1 PID: 77 at net/core/dev.c:10 foo+0x1/0x2'],
    ['soft-lockup', 'watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [swapper/0:1]'],
    ['hard-lockup', 'NMI watchdog: Watchdog detected hard LOCKUP on cpu 1'],
    ['hung-task', 'INFO: task kworker/u8:2:99 blocked for more than 120 seconds.'],
    ['rcu-stall', 'rcu: INFO: rcu_preempt self-detected stall on CPU'],
    ['rcu-stall', 'rcu: INFO: rcu_sched detected stalls on CPUs/tasks:'],
    ['oom-kill', 'Out of memory: Killed process 123 (hog) total-vm:1kB'],
    ['init-crash', 'systemd[1]: segfault at 0 ip 00007f sp 00007f error 4 in libc.so'],
  ])('%s: %s', (kind, text) => {
    expect(findings(`[   12.345678] ${text}`)).toEqual([{ kind, line: text, at: 1235 }]);
    expect(findings(`<4>[   12.345678][    T1] ${text}`)).toEqual([{ kind, line: text, at: 1235 }]);
    expect(findings(text, `sshd: ${text}`)).toEqual([]);
  });

  test('has nothing to complain of in a boot that goes well', () => {
    expect(findings(...read(capture('openrc-healthy')).lines.map((l) => l.text))).toEqual([]);
  });

  test('costs bounded memory', () => {
    expect(findings(...Array.from({ length: 5000 }, () => '[    1.000000] BUG: again')).length).toBeLessThan(1000);
  });
});
