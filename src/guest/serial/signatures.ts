import type { Stage } from '../../schema/index.ts';

/** Why a boot stopped, as far as a console can tell. */
export type ConsoleCause =
  | 'root-missing'
  | 'init-failed'
  | 'no-bootable-disk'
  | 'no-boot-loader'
  | 'loader-failed'
  | 'emergency-shell'
  | 'init-frozen'
  | 'kernel-panic'
  | 'service-failed'
  | 'no-ssh';

export interface Signature {
  cause: ConsoleCause;
  stage: Stage;
  pattern: RegExp;
  /**
   * `prompt`: the text after the last line end, where something waits for input. `final`: nothing more is printed
   * after it. `idle`: nothing more is printed while the processor stays as the firmware left it. `login`: the prompt of a
   * boot that is over. `mention`: it explains an end, and alone means little.
   */
  shape: 'prompt' | 'final' | 'idle' | 'login' | 'mention';
  /** Counts only in a line of the kernel, with or without its time stamp. */
  kernel?: true;
}

/** One clause for each cause, as a person reads it. */
export const causeMeaning: Record<ConsoleCause, string> = {
  'root-missing': 'the root file system was not found or could not be mounted',
  'init-failed': 'the first program could not be started, or ended',
  'no-bootable-disk': 'the firmware found nothing to boot',
  'no-boot-loader': 'the disk has no boot loader for this firmware',
  'loader-failed': 'the boot loader stopped',
  'emergency-shell': 'it stopped in an emergency shell',
  'init-frozen': 'init gave up',
  'kernel-panic': 'the kernel panicked',
  'service-failed': 'a service failed to start',
  'no-ssh': 'it reached its login prompt, but no SSH server answers',
};

/** What stopped boots print; where several were seen, the first in this table explains the end. */
export const signatures: readonly Signature[] = [
  // The kernel and initramfs makers on the root device: our own, initramfs-tools, dracut, genkernel, ugrd.
  { cause: 'root-missing', stage: 'initrd', shape: 'mention', pattern: /^gvm-initramfs: .*\bnot found\b/ },
  {
    cause: 'root-missing',
    stage: 'initrd',
    shape: 'mention',
    pattern: /^gvm-initramfs: .*(?:cannot be mounted|has no root=)/,
  },
  {
    cause: 'root-missing',
    stage: 'kernel',
    shape: 'mention',
    pattern: /VFS: (?:Unable to mount root fs|Cannot open root device)/,
    kernel: true,
  },
  { cause: 'root-missing', stage: 'initrd', shape: 'mention', pattern: /^ALERT! .* does not exist/ },
  { cause: 'root-missing', stage: 'initrd', shape: 'mention', pattern: /^Gave up waiting for (?:the )?root/ },
  {
    cause: 'root-missing',
    stage: 'initrd',
    shape: 'mention',
    pattern: /dracut-initqueue.*: (?:Warning: )?.*(?:timeout|does not exist)/,
  },
  { cause: 'root-missing', stage: 'initrd', shape: 'mention', pattern: /Warning: \/dev\/\S+ does not exist/ },
  {
    cause: 'root-missing',
    stage: 'initrd',
    shape: 'mention',
    pattern: /!! (?:Could not find the root block device|Block device \S+ is not a valid root device)/,
  },
  {
    cause: 'root-missing',
    stage: 'initrd',
    shape: 'mention',
    pattern: /Timed out waiting for device .*(?:root|sysroot|by-uuid|by-label)/,
  },
  { cause: 'root-missing', stage: 'initrd', shape: 'mention', pattern: /Failed to mount sysroot\.mount/ },
  // The first program.
  {
    cause: 'init-failed',
    stage: 'init',
    shape: 'mention',
    pattern: /No working init found|No init found/,
    kernel: true,
  },
  { cause: 'init-failed', stage: 'init', shape: 'mention', pattern: /Attempted to kill init!/, kernel: true },
  {
    cause: 'init-failed',
    stage: 'init',
    shape: 'mention',
    pattern: /Failed to execute \/\S+ \(error -\d+\)|Requested init \S+ failed/,
    kernel: true,
  },
  {
    cause: 'init-failed',
    stage: 'initrd',
    shape: 'mention',
    pattern: /^gvm-initramfs: the root file system .* has no /,
  },
  {
    cause: 'init-failed',
    stage: 'init',
    shape: 'mention',
    pattern: /^(?:switch_root|run-init): .*(?:can't|cannot|not found|No such file)/,
  },
  // Firmware: SeaBIOS, then OVMF, which falls back to its own shell.
  { cause: 'no-bootable-disk', stage: 'firmware', shape: 'final', pattern: /^No bootable device\./ },
  { cause: 'no-bootable-disk', stage: 'firmware', shape: 'mention', pattern: /^Boot failed: / },
  {
    cause: 'no-bootable-disk',
    stage: 'firmware',
    shape: 'final',
    pattern: /^BdsDxe: No bootable option or device was found/,
  },
  {
    cause: 'no-bootable-disk',
    stage: 'firmware',
    shape: 'final',
    pattern: /^Press any key to enter the Boot Manager Menu/,
  },
  {
    cause: 'no-bootable-disk',
    stage: 'firmware',
    shape: 'mention',
    pattern: /^BdsDxe: (?:failed to load Boot|starting \S+ "EFI Internal Shell")/,
  },
  { cause: 'no-bootable-disk', stage: 'firmware', shape: 'prompt', pattern: /^(?:Shell|FS\d+:\\[^>]*)> ?$/ },
  { cause: 'no-boot-loader', stage: 'firmware', shape: 'idle', pattern: /^Booting from (?:Hard Disk|DVD|Floppy)/ },
  // Boot loaders.
  { cause: 'loader-failed', stage: 'loader', shape: 'prompt', pattern: /^grub(?: rescue)?> ?$/ },
  {
    cause: 'loader-failed',
    stage: 'loader',
    shape: 'mention',
    pattern:
      /^error: (?:.* not found|no such (?:device|partition)|unknown filesystem|no server|file .*|you need to load the ker)/,
  },
  {
    cause: 'loader-failed',
    stage: 'loader',
    shape: 'prompt',
    pattern: /^(?:boot:|Press any key to continue\.\.\.) ?$/,
  },
  // A shell that waits for someone to mend things.
  {
    cause: 'emergency-shell',
    stage: 'init',
    shape: 'prompt',
    pattern: /Give root password for (?:maintenance|login)|\(or (?:press|type) Control-D to continue\)/i,
  },
  {
    cause: 'emergency-shell',
    stage: 'init',
    shape: 'prompt',
    pattern: /^Press Enter (?:to continue|for maintenance)/i,
  },
  {
    cause: 'emergency-shell',
    stage: 'initrd',
    shape: 'prompt',
    pattern:
      /^(?:\(initramfs\)|(?:dracut|rescue|switch_root|emergency)?:\/\S*#|~ #|\/ #|sh-[\d.]+#|bash-[\d.]+#|rescueshell \S* #) *$/,
  },
  {
    cause: 'emergency-shell',
    stage: 'init',
    shape: 'mention',
    pattern: /^You are in (?:emergency|rescue) mode|^Entering emergency mode|Welcome to (?:emergency|rescue) mode/,
  },
  {
    cause: 'emergency-shell',
    stage: 'init',
    shape: 'mention',
    pattern: /Started Emergency Shell|Reached target Emergency Mode/i,
  },
  {
    cause: 'emergency-shell',
    stage: 'init',
    shape: 'mention',
    pattern: /An error occurred during the file system check/,
  },
  { cause: 'emergency-shell', stage: 'init', shape: 'mention', pattern: /root account is locked/ },
  { cause: 'init-frozen', stage: 'init', shape: 'final', pattern: /systemd\[1\]: Freezing execution|^\[!{6}\] / },
  { cause: 'kernel-panic', stage: 'kernel', shape: 'final', pattern: /Kernel panic - not syncing/, kernel: true },
  {
    cause: 'service-failed',
    stage: 'init',
    shape: 'mention',
    pattern: /ERROR: \S+ failed to start|ERROR: cannot start \S+ as|\[FAILED\] Failed to start/,
  },
  { cause: 'no-ssh', stage: 'ssh', shape: 'login', pattern: /\blogin: ?$/ },
];
