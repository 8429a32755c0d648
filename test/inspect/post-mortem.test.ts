import { expect, test } from 'vitest';
import { openDisk } from '../../src/disk/index.ts';
import { MemorySource } from '../../src/disk/source/memory.ts';
import { type DeathScene, examineDisk } from '../../src/inspect/index.ts';
import { poweredOff } from '../facts/tree-disk.ts';
import { gentooRoot } from './gentoo.ts';

type Files = Parameters<typeof poweredOff>[0];

/** A root that boots: one kernel, an initramfs with all that it needs, an fstab of one line. */
const sound: Files = {
  ...gentooRoot,
  '/etc/fstab': 'tmpfs /tmp tmpfs size=1G 0 0\n',
  '/lib/modules/6.6.30-gentoo/modules.dep': 'kernel/drivers/net/dummy.ko:\n',
  '/lib/modules/6.6.30-gentoo/modules.builtin': ['virtio_pci', 'virtio_blk', 'ext4', 'nvme', 'dummy']
    .map((name) => `kernel/x/${name}.ko\n`)
    .join(''),
  '/boot/grub/grub.cfg': "menuentry 'Gentoo' {\n  linux /kernel-6.6.30-gentoo root=/dev/vda ro\n}\n",
};

async function examine(files: Files, scene: Partial<DeathScene> = {}, mode = 0o755) {
  const off = await poweredOff(files, '/sbin/init' in files ? { '/sbin/init': mode } : {});
  try {
    await using disk = await openDisk(off.image);
    return await examineDisk(disk, { bus: 'virtio', began: Date.now(), ...scene });
  } finally {
    await off.remove();
  }
}

const direct = (append: string, initrd?: Buffer) => ({ direct: { append, initrd } });

test('a disk with nothing wrong has no findings', async () => {
  const { findings } = await examine(sound);
  expect(findings).toEqual([]);
});

test('a root that no volume is, with what there is instead', async () => {
  const { findings } = await examine(sound, direct('root=/dev/vda root=UUID=0-1 ro'));
  expect(findings).toHaveLength(1);
  expect(findings[0]).toMatch(
    /^root=UUID=0-1: no volume of the disk is that; it has disk \(ext4 UUID=[0-9a-f-]{36}\)$/,
  );
});

test('a root of another kind than was said', async () => {
  const { findings } = await examine(sound, direct('root=/dev/vda rootfstype=xfs'));
  expect(findings).toEqual(['rootfstype=xfs, but root=/dev/vda is ext4']);
});

test('fstab entries without a device, only those that a boot waits for', async () => {
  const fstab = 'UUID=dead-beef /home ext4 defaults 0 2\nLABEL=x /opt ext4 nofail 0 0\n/dev/vdb1 /srv xfs noauto 0 0\n';
  const { findings } = await examine({ ...sound, '/etc/fstab': fstab });
  expect(findings).toEqual(['fstab: UUID=dead-beef on /home: no volume of the disk is that; the boot waits for it']);
});

test('modules that the root needs and the initramfs has not', async () => {
  const files = {
    ...sound,
    '/lib/modules/6.6.30-gentoo/modules.dep': gentooRoot['/lib/modules/6.6.30-gentoo/modules.dep'],
    '/lib/modules/6.6.30-gentoo/modules.builtin': '',
  };
  const own = await examine(files);
  expect(own.findings).toEqual([
    'the root on virtio needs modules that /boot/initramfs-6.6.30-gentoo.img has not: ext4, jbd2, virtio_blk',
  ]);
  const given = await examine(files, direct('root=/dev/vda'));
  expect(given.findings).toEqual([
    'the root on virtio needs modules that no initramfs was given to bring: ext4, jbd2, virtio_blk, virtio_pci',
  ]);
  const broken = await examine({ ...files, '/boot/initramfs-6.6.30-gentoo.img': Buffer.alloc(1000, 0x41) });
  expect(broken.findings[0]).toBe('the disk has no initramfs for the kernel 6.6.30-gentoo that can be read');
});

test('a kernel without its modules', async () => {
  const { '/lib/modules/6.6.30-gentoo/modules.dep': _, ...files } = sound;
  const { findings } = await examine(files, direct('root=/dev/vda'));
  expect(findings[0]).toBe('the disk has no modules for the kernel 6.6.30-gentoo (/lib/modules/6.6.30-gentoo)');
  const brought = await examine(sound, { ...direct('root=/dev/vda'), kernel: { release: '9.9.9', modules: false } });
  expect(brought.findings[0]).toBe(
    'the disk has no modules for the kernel 9.9.9 (/lib/modules/9.9.9); it has those of 6.6.30-gentoo',
  );
  const alone = await examine(sound, { ...direct('root=/dev/vda'), kernel: { release: '9.9.9', modules: true } });
  expect(alone.findings).toEqual([]);
});

test('files that the boot loader names, and an init that cannot be run', async () => {
  const grub = "menuentry 'Gentoo' {\n  linux /kernel-6.6.31 root=/dev/vda\n}\n";
  const boot = await examine({ ...sound, '/boot/grub/grub.cfg': grub });
  expect(boot.findings).toEqual([
    'the entry "Gentoo" of /boot/grub/grub.cfg names /kernel-6.6.31, which the disk does not have',
  ]);
  const init = await examine(sound, {}, 0o644);
  expect(init.findings).toEqual(['/sbin/init may not be run: it has the mode 644']);
  const { '/sbin/init': _, ...without } = sound;
  const none = await examine(without);
  expect(none.findings).toEqual(['the root has no init: none of /sbin/init, /etc/init, /bin/init, /bin/sh']);
});

test('what was logged in this boot, and not what is older', async () => {
  const now = await examine(sound);
  expect(now.logs).toEqual([
    {
      source: '/var/log/messages',
      lines: ['Nov 26 10:00:00 larry kernel: booted red', 'Nov 26 10:00:01 larry sshd[1]: hello'],
    },
  ]);
  const later = await examine(sound, { began: Date.now() + 60_000 });
  expect(later.logs).toEqual([]);
});

test('a disk without a system says so', async () => {
  await using source = new MemorySource(Buffer.alloc(4096));
  const { findings } = await examineDisk(
    { source, chain: undefined, [Symbol.asyncDispose]: async () => {} },
    { bus: 'virtio', began: 0 },
  );
  expect(findings).toEqual(['the disk holds no partition table and no file system that gvm recognises']);
});
