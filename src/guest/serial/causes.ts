/** Why a boot stopped, as far as a console can tell. */
export type ConsoleCause = keyof typeof causes;

/** For each cause one clause that says it, and what a person looks at next. */
export const causes = {
  'no-initramfs': {
    meaning: 'root= names a UUID or a label, and without an initramfs nobody looks it up',
    advice: 'give the kernel an initramfs, or name the root device itself or by PARTUUID',
  },
  'root-missing': {
    meaning: 'the root file system was not found or could not be mounted',
    advice:
      'compare root= with the disks that are there; see that drivers of disk and file system are in kernel or initramfs',
  },
  'illegal-instruction': {
    meaning: 'a program uses an instruction that this processor does not have',
    advice:
      'it was built for another processor (CFLAGS): choose a machine cpu that has the instruction, or build for a lesser one',
  },
  'missing-library': {
    meaning: 'a program needs a shared library that is not there',
    advice: 'install the library, or rebuild what still asks for the old one (revdep-rebuild, @preserved-rebuild)',
  },
  'out-of-memory': {
    meaning: 'the memory is used up',
    advice: 'give the machine more memory, or find what takes it',
  },
  'init-failed': {
    meaning: 'the first program could not be started, or ended',
    advice: 'see that init= or /sbin/init exists, is executable, and that its interpreter and libraries are there',
  },
  'no-bootable-disk': {
    meaning: 'the firmware found nothing to boot',
    advice: 'UEFI boots EFI/BOOT/BOOTX64.EFI of an EFI system partition: see that both exist; or choose firmware: bios',
  },
  'no-boot-loader': {
    meaning: 'the disk has no boot loader for this firmware',
    advice: 'an image made for UEFI needs firmware: uefi',
  },
  'loader-failed': {
    meaning: 'the boot loader stopped',
    advice: 'compare the paths in grub.cfg with the files that are there',
  },
  'fsck-failed': {
    meaning: 'a file system has errors that need a person',
    advice: 'check the file system; an fstab entry for a device that is not there looks the same',
  },
  'emergency-shell': {
    meaning: 'it stopped in an emergency shell',
    advice: 'what failed stands in the lines before the prompt; often an fstab entry whose device is missing',
  },
  'init-frozen': { meaning: 'init gave up', advice: 'see what init said before; often a kernel without what it needs' },
  'timer-late': {
    meaning: "the timer came too late for the kernel's check of it",
    advice:
      'a busy host does this to an emulated guest: run fewer at once, or give the kernel no_timer_check (--append)',
  },
  'kernel-panic': { meaning: 'the kernel panicked', advice: 'the trace before the panic names the function' },
  'modules-missing': {
    meaning: 'the kernel has no modules that fit it',
    advice: 'install the modules of this very kernel: /lib/modules has a folder for each release',
  },
  'service-failed': {
    meaning: 'a service failed to start',
    advice: 'see why the first service of the chain failed; the others only wait for it',
  },
  'no-network-driver': {
    meaning: 'its kernel has no driver for the network card, so nobody can log in',
    advice: 'see that the modules of this kernel are installed, or choose another networks: model',
  },
  'no-ssh': {
    meaning: 'it reached its login prompt, but no SSH server answers',
    advice:
      'enable sshd in the image (rc-update add sshd default, systemctl enable sshd), and see that it has host keys',
  },
} as const satisfies Record<string, { meaning: string; advice: string }>;
