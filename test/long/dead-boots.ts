import { execFileSync } from 'node:child_process';
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GuestSpec } from '../../src/lab/index.ts';
import { findTool } from '../../src/process/index.ts';
import type { Workshop } from '../e2e/broken.ts';
import type { DeadBoot } from '../e2e/dead-boots.ts';

/** A disk whose ext4 has lost its root folder, which no automatic check mends. */
function damagedDisk(workshop: Workshop, name: string, ...tune: string[]): string {
  const path = join(workshop.folder, `${name}.raw`);
  const run = (tool: string, ...args: string[]) => execFileSync(findTool(tool) ?? tool, args, { stdio: 'ignore' });
  writeFileSync(path, '');
  truncateSync(path, 32 * 2 ** 20);
  run('mkfs.ext4', '-q', '-F', '-L', 'damaged', path);
  if (tune.length > 0) run('tune2fs', ...tune, path);
  run('debugfs', '-w', '-R', 'clri <2>', path);
  // One that is called clean is not looked at.
  run('debugfs', '-w', '-R', 'ssv state 0', path);
  return path;
}

/** A guest that has a damaged disk beside its own, and wants it. */
export async function damaged(workshop: Workshop, name: string, tune: string[], pass: number, image = 'openrc') {
  const disks = [{ image: damagedDisk(workshop, name, ...tune) }];
  const disk = `echo 'LABEL=damaged /srv ext4 defaults 0 ${pass}' >> /root/etc/fstab`;
  return workshop.changed(name, { disk, machine: { disks } }, image);
}

/** The same guest, whose init speaks on the serial line. */
export function onSerial(spec: GuestSpec): GuestSpec {
  if (spec.boot.firmware !== 'direct') throw new Error('expected a direct boot');
  return { ...spec, boot: { ...spec.boot, append: `${spec.boot.append} console=ttyS0` } };
}

const CONF = 'EFI/debian/grub.cfg';
const grub = async (
  workshop: Workshop,
  name: string,
  change: (text: string) => string,
  firmware = 'uefi',
): Promise<GuestSpec> => {
  const text = `set timeout=0\nserial --unit=0 --speed=115200\nterminal_input console serial\nterminal_output console serial
search --no-floppy --fs-uuid --set=root 0a6c4c1e-8d5f-4c53-9c1f-6f5e2d6b7a01\n`;
  const file = workshop.file(`${name}.cfg`, change(text));
  return workshop.edited(name, [['mcopy', '-o', file, `::/${CONF}`]], 'openrc', firmware);
};

const loader: DeadBoot[] = [
  {
    name: 'GRUB: the kernel is away',
    make: (w) => grub(w, 'no-kernel', (text) => `${text}linux /boot/vmlinuz-0 root=/dev/vda2\nboot\n`),
    ...{ stage: 'loader', cause: 'loader-failed', shows: "file `/boot/vmlinuz-0' not found" },
  },
  {
    name: 'GRUB: the configuration is away',
    make: (w) => w.edited('no-config', [['mdel', `::/${CONF}`]]),
    ...{ stage: 'loader', cause: 'loader-failed', shows: 'grub>' },
  },
  {
    name: 'GRUB behind a BIOS: the kernel is away',
    make: (w) => grub(w, 'bios-no-kernel', (text) => `${text}linux /boot/vmlinuz-0\nboot\n`, 'bios'),
    ...{ stage: 'loader', cause: 'loader-failed', shows: "file `/boot/vmlinuz-0' not found" },
  },
  {
    name: 'GRUB behind a BIOS: the configuration is away',
    make: (w) => w.edited('bios-no-config', [['mdel', `::/${CONF}`]], 'openrc', 'bios'),
    ...{ stage: 'loader', cause: 'loader-failed', shows: 'grub>' },
  },
  {
    name: 'GRUB: the configuration is damaged',
    make: (w) => grub(w, 'bad-config', (text) => `${text}menuentry "x" {\n  linux /boot/vmli\0\xff{{\n`),
    ...{ stage: 'loader', cause: 'loader-failed', shows: 'grub>' },
  },
];

const kernel: DeadBoot[] = [
  {
    name: 'root by UUID, no initramfs',
    make: (w) => w.bare('uuid', undefined, 'root=UUID=0a6c4c1e-8d5f-4c53-9c1f-6f5e2d6b7a01'),
    ...{ stage: 'kernel', cause: 'no-initramfs', shows: 'nobody looks it up' },
  },
  {
    name: 'a file system driver panics',
    make: (w) => damaged(w, 'errors-panic', ['-e', 'panic'], 0),
    ...{ stage: 'init', cause: 'kernel-panic', shows: 'EXT4-fs (device vdb): panic forced after error' },
  },
  {
    name: 'a driver crashes while it is used by a service',
    make: (w) =>
      w.changed('sysrq', {
        disk: `sed -i 's#^start() {#&\\n\\techo c > /proc/sysrq-trigger#' /root/etc/init.d/hostname`,
      }),
    ...{ stage: 'init', cause: 'kernel-panic', shows: 'sysrq triggered crash' },
  },
  {
    name: 'init takes all of the memory',
    make: (w) => w.bare('eater', '/busybox mount -t devtmpfs dev /dev; exec /busybox tail /dev/zero', '', '128M'),
    ...{ stage: 'kernel', cause: 'out-of-memory', shows: 'System is deadlocked on memory' },
  },
];

const userland: DeadBoot[] = [
  {
    name: 'init needs a library that is away',
    make: (w) => w.changed('init-soname', { disk: 'rm /root/lib/x86_64-linux-gnu/librc.so.1*' }),
    ...{ stage: 'init', cause: 'missing-library', shows: 'librc.so.1: cannot open shared object file' },
  },
  {
    name: 'sshd needs a library that is away',
    make: (w) => w.changed('sshd-soname', { disk: 'rm /root/usr/lib/x86_64-linux-gnu/libgssapi_krb5.so.2' }),
    ...{ stage: 'ssh', cause: 'missing-library', shows: 'libgssapi_krb5.so.2: cannot open shared object file' },
  },
  {
    name: 'fsck: errors that need a person (OpenRC)',
    make: (w) => damaged(w, 'fsck', [], 2),
    ...{ stage: 'network', cause: 'fsck-failed', shows: 'RUN fsck MANUALLY' },
  },
  {
    name: 'fsck: errors that need a person (systemd)',
    make: async (w) => onSerial(await damaged(w, 'fsck-systemd', [], 2, 'gentoo-twin-systemd')),
    ...{ stage: 'init', cause: 'fsck-failed', shows: 'Failed to start systemd-fs' },
  },
  {
    name: 'a chain of OpenRC services fails',
    make: (w) => w.changed('chain', { disk: `sed -i 's#^start() {#&\\n\\treturn 1#' /root/etc/init.d/network` }),
    ...{ stage: 'network', cause: 'service-failed', shows: 'cannot start sshd as network would not start' },
  },
  {
    name: 'the account is locked',
    make: (w) =>
      w.changed('locked', {
        disk: `sed -i 's/^root:[^:]*:/root:!*:/' /root/etc/shadow; sed -i 's/^UsePAM.*/UsePAM no/' /root/etc/ssh/sshd_config`,
      }),
    ...{ stage: 'ssh', cause: 'login-refused', shows: 'refused' },
  },
];

/** What costs more time than the end-to-end tests have: boot loaders, memory, chains of services, whole user lands. */
export const moreDeadBoots: readonly DeadBoot[] = [...loader, ...kernel, ...userland];
