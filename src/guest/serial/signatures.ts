import type { Stage } from '../../schema/index.ts';
import type { ConsoleCause } from './causes.ts';

export interface Signature {
  cause: ConsoleCause;
  stage: Stage;
  pattern: RegExp;
  /** A line that it finds, as it was seen. */
  example: string;
  /**
   * `prompt`: the text after the last line end, where something waits for input. `final`: nothing more is printed
   * after it. `idle`: nothing more is printed while the processor stays as the firmware left it. `login`: the prompt of a
   * boot that is over. `unreached`: the same, where no driver has taken the network card. `mention`: it explains an end,
   * and alone means little.
   */
  shape: 'prompt' | 'final' | 'idle' | 'login' | 'unreached' | 'mention';
  /** Counts only in a line of the kernel, with or without its time stamp. */
  kernel?: true;
}

type Row = readonly [shape: Signature['shape'] | 'kernel' | 'kernel-final', pattern: RegExp, example: string];

function group(cause: ConsoleCause, stage: Stage, ...rows: Row[]): Signature[] {
  return rows.map(([shape, pattern, example]) => {
    const common = { cause, stage, pattern, example };
    if (shape === 'kernel') return { ...common, shape: 'mention', kernel: true };
    return shape === 'kernel-final' ? { ...common, shape: 'final', kernel: true } : { ...common, shape };
  });
}

/** The prompt of a boot that is over: of getty, or of the shell that an automatic login has started. */
const LOGIN = /\blogin: ?$|^\S+@\S+:\S+[#$] ?$/;

/** What stopped boots print; where several were seen, the first in this table explains the end. */
export const signatures: readonly Signature[] = [
  ...group('no-initramfs', 'kernel', [
    'kernel',
    /VFS: Cannot open root device "(?:UUID|LABEL)=/,
    'VFS: Cannot open root device "UUID=2c9e4d70-5f1b" or unknown-block(0,0): error -6',
  ]),
  // The kernel and initramfs makers on the root device: our own, initramfs-tools, dracut, genkernel, ugrd.
  ...group(
    'root-missing',
    'initrd',
    ['mention', /^gvm-initramfs: .*\bnot found\b/, 'gvm-initramfs: root device /dev/vdz not found after 5 s'],
    [
      'mention',
      /^gvm-initramfs: .*(?:cannot be mounted|has no root=)/,
      'gvm-initramfs: the kernel command line has no root=',
    ],
  ),
  ...group('root-missing', 'kernel', [
    'kernel',
    /VFS: (?:Unable to mount root fs|Cannot open root device)/,
    'VFS: Unable to mount root fs on unknown-block(0,0)',
  ]),
  ...group(
    'root-missing',
    'initrd',
    ['mention', /^ALERT! .* does not exist/, 'ALERT!  UUID=2c9e4d70-5f1b does not exist.  Dropping to a shell!'],
    ['mention', /^Gave up waiting for (?:the )?root/, 'Gave up waiting for root file system device.'],
    [
      'mention',
      /dracut-initqueue.*: (?:Warning: )?.*(?:timeout|does not exist)/,
      'dracut-initqueue[312]: Warning: dracut-initqueue: timeout, still waiting for following initqueue hooks:',
    ],
    ['mention', /Warning: \/dev\/\S+ does not exist/, 'dracut: Warning: /dev/disk/by-label/gentooroot does not exist'],
    [
      'mention',
      /!! (?:Could not find the root block device|Block device \S+ is not a valid root device)/,
      '!! Could not find the root block device in UUID=2c9e4d70-5f1b.',
    ],
    [
      'mention',
      /Timed out waiting for device .*(?:root|sysroot|by-uuid|by-label)/,
      '[ TIME ] Timed out waiting for device dev-disk-by\\x2dlabel-gentooroot.device - /dev/disk/by-label/gentooroot.',
    ],
    ['mention', /Failed to mount sysroot\.mount/, '[FAILED] Failed to mount sysroot.mount - /sysroot.'],
  ),
  // What programs die of.
  ...group('illegal-instruction', 'init', [
    'kernel',
    /^traps: \S+\[\d+\] trap invalid opcode|Attempted to kill init! exitcode=0x00000004/,
    'traps: init[1] trap invalid opcode ip:400078 sp:7ffc5c0 error:0 in init[400000+1000]',
  ]),
  ...group('missing-library', 'init', [
    'mention',
    /\.so[.\d]*: cannot open shared object file/,
    '/usr/sbin/sshd: error while loading shared libraries: libcrypto.so.3: cannot open shared object file: No such file or directory',
  ]),
  ...group('out-of-memory', 'kernel', [
    'kernel',
    /Kernel panic - not syncing: (?:System is deadlocked on memory|Out of memory)|^Out of memory: Killed process 1 /,
    'Kernel panic - not syncing: System is deadlocked on memory',
  ]),
  // The first program.
  ...group(
    'init-failed',
    'init',
    ['kernel', /No working init found|No init found/, 'Kernel panic - not syncing: No working init found.'],
    ['kernel', /Attempted to kill init!/, 'Kernel panic - not syncing: Attempted to kill init! exitcode=0x00007f00'],
    [
      'kernel',
      /Failed to execute \/\S+ \(error -\d+\)|Requested init \S+ failed/,
      'Failed to execute /init (error -8)',
    ],
  ),
  ...group('init-failed', 'initrd', [
    'mention',
    /^gvm-initramfs: the root file system .* has no /,
    'gvm-initramfs: the root file system on /dev/vda2 has no /sbin/init',
  ]),
  ...group('init-failed', 'init', [
    'mention',
    /^(?:switch_root|run-init): .*(?:can't|cannot|not found|No such file)/,
    "switch_root: can't execute '/sbin/init': No such file or directory",
  ]),
  // Firmware: SeaBIOS, then OVMF, which falls back to its own shell.
  ...group(
    'no-bootable-disk',
    'firmware',
    ['final', /^No bootable device\./, 'No bootable device.'],
    ['mention', /^Boot failed: /, 'Boot failed: not a bootable disk'],
    ['final', /^BdsDxe: No bootable option or device was found/, 'BdsDxe: No bootable option or device was found.'],
    [
      'final',
      /^(?:BdsDxe: )?Press any key to enter the Boot Manager Menu/,
      'BdsDxe: Press any key to enter the Boot Manager Menu.',
    ],
    [
      'mention',
      /^BdsDxe: (?:failed to load Boot|starting \S+ "EFI Internal Shell")/,
      'BdsDxe: starting Boot0002 "EFI Internal Shell" from Fv(7CB8BDC9-F8EB-4F34-AAEA-3EE4AF6516A1)',
    ],
    ['prompt', /^(?:Shell|FS\d+:\\[^>]*)> ?$/, 'Shell> '],
  ),
  ...group('no-boot-loader', 'firmware', [
    'idle',
    /^Booting from (?:Hard Disk|DVD|Floppy)/,
    'Booting from Hard Disk...',
  ]),
  // Boot loaders.
  ...group(
    'loader-failed',
    'loader',
    // A loader that writes to the firmware's console and to the serial line has everything twice, letter by letter mixed
    // where the firmware is slow to draw.
    ['prompt', /^(?=.{5,16}$)g[grub >]*r[grub >]*u[grub >]*b[grub >]*>[grub >]*$/, 'grub> '],
    ['prompt', /^(?:grub rescue>){1,2} *$/, 'grub rescue> '],
    [
      'mention',
      /^error: (?:.* not found|no such (?:device|partition)|unknown filesystem|no server|file .*)/,
      "error: file `/vmlinuz-6.1.0' not found.",
    ],
    // After "Press any key to continue..." GRUB may go on by itself; without a kernel it cannot.
    [
      'final',
      /^error: (?:you need to load the kernel first|file `\S*(?:vmlinu|bzImage|kernel)\S*' not found)/,
      "error: file `/boot/vmlinuz-6.1.0' not found.",
    ],
    ['prompt', /^boot: ?$/, 'boot: '],
  ),
  // File systems that need a person, and shells that wait for one.
  ...group(
    'fsck-failed',
    'init',
    [
      'mention',
      /UNEXPECTED INCONSISTENCY; RUN fsck MANUALLY|An error occurred during the file system check|fsck failed with exit status/,
      '/dev/vdb: UNEXPECTED INCONSISTENCY; RUN fsck MANUALLY.',
    ],
    // systemd leaves out the middle of what is wider than the console.
    [
      'mention',
      /Failed to start (?:systemd-fs|File System Check)/,
      '[FAILED] Failed to start systemd-fs…eck on /dev/disk/by-label/data.',
    ],
  ),
  ...group(
    'emergency-shell',
    'init',
    [
      'prompt',
      /Give root password for (?:maintenance|login)|\(or (?:press|type) Control-D to continue\)/i,
      'Give root password for maintenance',
    ],
    ['prompt', /^Press Enter (?:to continue|for maintenance)/i, 'Press Enter to continue.'],
    // sulogin ends its line, and waits all the same.
    ['final', /^Press Enter (?:to continue|for maintenance)/i, 'Press Enter to continue.'],
  ),
  ...group('emergency-shell', 'initrd', [
    'prompt',
    /^(?:\(initramfs\)|(?:dracut|rescue|switch_root|emergency)?:\/\S*#|~ #|\/ #|sh-[\d.]+#|bash-[\d.]+#|rescueshell \S* #) *$/,
    'dracut:/# ',
  ]),
  ...group(
    'emergency-shell',
    'init',
    [
      'mention',
      /^You are in (?:emergency|rescue) mode|^Entering emergency mode|Welcome to (?:emergency|rescue) mode/,
      'You are in emergency mode. After logging in, type "journalctl -xb" to view system logs.',
    ],
    [
      'mention',
      /Started Emergency Shell|Reached target .*Emergency Mode/i,
      '[  OK  ] Reached target emergency.target - Emergency Mode.',
    ],
    ['mention', /root account is locked/, 'Cannot open access to console, the root account is locked.'],
  ),
  ...group('init-frozen', 'init', [
    'final',
    /systemd\[1\]: Freezing execution|^\[!{6}\] /,
    '[!!!!!!] Failed to mount API filesystems.',
  ]),
  ...group('timer-late', 'kernel', [
    'kernel-final',
    /Kernel panic - not syncing: IO-APIC \+ timer doesn't work!/,
    "Kernel panic - not syncing: IO-APIC + timer doesn't work!  Boot with apic=debug and send a report.  Then try booting with the 'noapic' option.",
  ]),
  ...group('kernel-panic', 'kernel', [
    'kernel-final',
    /Kernel panic - not syncing/,
    'Kernel panic - not syncing: Fatal exception in interrupt',
  ]),
  ...group('modules-missing', 'init', [
    'mention',
    /modprobe: FATAL: Module \S+ not found in directory|modprobe: can't change directory to '|could not open builtin file '\/lib\/modules|: version magic '.*' should be '/,
    'modprobe: FATAL: Module virtio_net not found in directory /lib/modules/6.1.0',
  ]),
  ...group('service-failed', 'init', [
    'mention',
    /ERROR: \S+ failed to start|ERROR: cannot start \S+ as|\[FAILED\] Failed to start/,
    ' * ERROR: cannot start sshd as network would not start',
  ]),
  ...group('no-network-driver', 'network', ['unreached', LOGIN, 'gentoo login: ']),
  ...group('no-ssh', 'ssh', ['login', LOGIN, 'gentoo login: ']),
];
