import type { GuestSpec } from '../../src/lab/index.ts';
import type { Blame, Stage } from '../../src/schema/index.ts';
import { avx2Program, type Workshop } from './broken.ts';

/** A boot that dies in a way of its own, and what has to be said of it. */
export interface DeadBoot {
  name: string;
  make(workshop: Workshop): Promise<GuestSpec>;
  stage: Stage;
  cause: string;
  blame?: Blame;
  /** Text that the message shows. */
  shows: string;
}

/** What a disk without a usable boot loader, a kernel without its root, and a dying init look like. */
const early: DeadBoot[] = [
  {
    name: 'BIOS, empty disk',
    make: async (w) => ({ ...(await w.bench.describe('bios', { firmware: 'bios' })), image: w.empty('bios') }),
    ...{ stage: 'firmware', cause: 'no-bootable-disk', shows: 'No bootable device.' },
  },
  {
    name: 'BIOS, disk made for UEFI',
    make: (w) => w.uefiOnly('other-firmware'),
    ...{ stage: 'firmware', cause: 'no-boot-loader', shows: 'Booting from Hard Disk' },
  },
  {
    name: 'UEFI, empty disk',
    make: async (w) => ({ ...(await w.bench.describe('uefi', { firmware: 'uefi' })), image: w.empty('uefi') }),
    ...{ stage: 'firmware', cause: 'no-bootable-disk', shows: 'BdsDxe: ' },
  },
  {
    name: 'root device missing',
    make: (w) => w.bench.describe('no-root', { append: 'root=UUID=00000000-1111-2222-3333-444444444444 gvm.scale=1' }),
    ...{ stage: 'initrd', cause: 'root-missing', shows: 'not found after 5 s; found: vda (GPT)' },
  },
  {
    name: 'no root, no initramfs',
    make: (w) => w.bare('no-initramfs', undefined, 'root=/dev/vda'),
    ...{ stage: 'kernel', cause: 'root-missing', shows: 'VFS: Unable to mount root fs' },
  },
  {
    name: 'the kernel panics and stands still',
    make: (w) => w.bare('hangs', undefined, 'root=/dev/vda panic=0'),
    ...{ stage: 'kernel', cause: 'root-missing', shows: 'VFS: Unable to mount root fs' },
  },
  {
    name: 'init exits',
    make: (w) => w.bare('init-exits', 'exit 3'),
    ...{ stage: 'init', cause: 'init-failed', shows: 'Attempted to kill init! exitcode=0x00000300' },
  },
  {
    name: 'emergency shell in the initramfs',
    make: (w) => w.bare('shell', '/busybox mount -t devtmpfs dev /dev; exec /busybox sh -i'),
    ...{ stage: 'initrd', cause: 'emergency-shell', shows: '/ #' },
  },
];

/** What goes wrong between the root file system and the login. */
const late: DeadBoot[] = [
  {
    name: 'init uses an instruction that the processor lacks',
    make: (w) =>
      w.changed('sigill', {
        disk: 'rm /root/usr/sbin/init; cp /avx2 /root/usr/sbin/init',
        files: { avx2: avx2Program('/usr/sbin/openrc-init') },
        machine: { cpu: 'qemu64' },
      }),
    ...{ stage: 'init', cause: 'illegal-instruction', shows: 'exitcode=0x00000004' },
  },
  {
    name: 'a kernel without its modules',
    make: (w) => w.changed('modules', { disk: 'mv /root/usr/lib/modules /root/usr/lib/modules.away' }),
    ...{ stage: 'network', cause: 'no-network-driver', shows: '#' },
  },
  {
    name: 'sshd is not enabled',
    make: (w) => w.changed('no-sshd', { disk: 'rm /root/etc/runlevels/default/sshd' }),
    ...{ stage: 'ssh', cause: 'no-ssh', shows: '#' },
  },
  {
    name: 'the key is not let in',
    make: (w) => w.changed('wrong-key', { disk: 'rm /root/etc/runlevels/boot/gvm-seed' }),
    ...{ stage: 'ssh', cause: 'login-refused', shows: 'refused' },
  },
];

export const deadBoots: readonly DeadBoot[] = [...early, ...late];
