import { writeCpio } from '../../src/disk/index.ts';

/** The first bytes of a program for x86_64 (elf(5)). */
const elf = Buffer.alloc(64);
elf.write('\x7fELF\x02\x01\x01', 'latin1');
elf.writeUInt16LE(2, 16);
elf.writeUInt16LE(62, 18);

const initramfs = Buffer.from(
  writeCpio(
    [
      {
        path: 'virtio_pci.ko',
        kind: 'file',
        mode: 0o644,
        bytes: Buffer.from('x'),
      },
      { path: 'init', kind: 'file', mode: 0o755, bytes: Buffer.from('#!/bin/sh\n') },
    ],
    { mtime: 0 },
  ),
);

export const KEY = 'AAAAC3NzaC1lZDI1NTE5AAAAIPzGz0kQX0CwvpwRvlO3WnHhAdFkvBMOcGVDFMMYb7ed';

/** A Gentoo root as Portage and OpenRC leave it, with traces that an image should not have. */
export const gentooRoot = {
  '/sbin/init': elf,
  '/etc/os-release': 'NAME=Gentoo\nID=gentoo\nPRETTY_NAME="Gentoo Linux"\n',
  '/etc/gentoo-release': 'Gentoo Base System release 2.15\n',
  '/etc/conf.d/hostname': '# the name\nhostname="larry"\n',
  '/etc/machine-id': '0123456789abcdef0123456789abcdef\n',
  '/etc/localtime': '-> ../usr/share/zoneinfo/Europe/Berlin',
  '/etc/env.d/02locale': 'LANG="de_DE.UTF-8"\n',
  '/etc/passwd':
    'root:x:0:0:root:/root:/bin/bash\nlarry:x:1000:100::/home/larry:/bin/bash\nopen:x:1001:100::/home/open:/bin/sh\nsshd:x:22:22::/var/empty:/sbin/nologin\n',
  '/etc/shadow':
    'root:$6$salt$hash:19800:0:99999:7:::\nlarry:!$y$j9T$salt$hash:19801:::::20000:\nopen::19801::::::\nsshd:*:19801::::::\n',
  '/etc/group': 'root:x:0:\nwheel:x:10:root,larry\nusers:x:100:\n',
  '/etc/fstab':
    'UUID=11111111-2222-4333-8444-000000000002 / ext4 noatime 0 1\nUUID=dead-beef /home ext4 defaults 0 2\nLABEL=more /more ext4 nofail 0 2\ntmpfs /tmp tmpfs size=1G 0 0\n',
  '/etc/runlevels/default/sshd': '-> /etc/init.d/sshd',
  '/etc/runlevels/boot/net.eth0': '-> /etc/init.d/net.eth0',
  '/etc/init.d/sshd': '#!/sbin/openrc-run\n',
  '/etc/init.d/net.lo': '#!/sbin/openrc-run\n',
  '/etc/init.d/net.eth0': '-> net.lo',
  '/etc/conf.d/net': 'config_eth0="192.0.2.7/24\n2001:db8::7/64"\nroutes_eth0="default via 192.0.2.1"\n',
  '/etc/resolv.conf': 'nameserver 192.0.2.53\n',
  '/etc/hosts': '127.0.0.1 localhost larry # me\n',
  '/etc/portage/make.profile': '-> ../../var/db/repos/gentoo/profiles/default/linux/amd64/23.0',
  '/etc/portage/make.conf':
    // biome-ignore lint/suspicious/noTemplateCurlyInString: as make.conf has it
    'COMMON_FLAGS="-O2 -pipe"\nCFLAGS="${COMMON_FLAGS}"\nUSE="X \\\n  -systemd"\nMAKEOPTS=-j4\n',
  '/etc/portage/repos.conf/gentoo.conf': '[gentoo]\n',
  '/var/lib/portage/world': 'app-editors/vim\nsys-kernel/gentoo-kernel\n',
  '/var/lib/portage/world_sets': '@golang-rebuild\n',
  '/var/db/pkg/sys-apps/portage-3.0.63/SLOT': '0\n',
  '/var/db/pkg/sys-apps/portage-3.0.63/USE': 'amd64 ipc native-extensions\n',
  '/var/db/pkg/sys-apps/portage-3.0.63/repository': 'gentoo\n',
  '/var/db/pkg/dev-lang/python-3.12.3_p1/SLOT': '3.12\n',
  '/var/db/pkg/dev-lang/python-3.13.0_rc2-r1/SLOT': '3.13\n',
  '/boot/kernel-6.6.30-gentoo': 'MZ',
  '/boot/config-6.6.30-gentoo': 'CONFIG_64BIT=y\n',
  '/boot/initramfs-6.6.30-gentoo.img': initramfs,
  '/boot/grub/grub.cfg':
    "menuentry 'Gentoo' --class gentoo {\n\tlinux /kernel-6.6.30-gentoo root=UUID=1 ro\n\tinitrd /initramfs-6.6.30-gentoo.img\n}\nmenuentry 'old' {\n\tlinux /kernel-5.0 root=UUID=1\n}\n",
  '/lib/modules/6.6.30-gentoo/modules.dep':
    'kernel/drivers/block/virtio_blk.ko:\nkernel/drivers/virtio/virtio_pci.ko:\nkernel/fs/ext4/ext4.ko: kernel/fs/jbd2/jbd2.ko\nkernel/fs/jbd2/jbd2.ko:\n',
  '/lib/modules/6.6.30-gentoo/modules.builtin': 'kernel/drivers/scsi/sd_mod.ko\n',
  '/etc/ssh/ssh_host_ed25519_key.pub': `ssh-ed25519 ${KEY} root@larry\n`,
  '/etc/ssh/ssh_host_ed25519_key': '-----BEGIN OPENSSH PRIVATE KEY-----\nsecret\n',
  '/etc/ssh/sshd_config':
    'Include /etc/ssh/sshd_config.d/*.conf\nPermitRootLogin yes\nMatch User x\nPasswordAuthentication yes\n',
  '/etc/ssh/sshd_config.d/10-own.conf': 'PermitRootLogin no\n',
  '/home/larry/.ssh/authorized_keys': `# mine\nfrom="192.0.2.0/24",no-pty ssh-ed25519 ${KEY} larry at home\nnonsense\n`,
  '/etc/sudoers': 'root ALL=(ALL:ALL) ALL\n%wheel ALL=(ALL) NOPASSWD: ALL\n',
  '/etc/crontab': '0 3 * * * root /usr/bin/true\n',
  '/etc/sysctl.d/local.conf': 'kernel.sysrq = 0\n',
  '/etc/sysctl.d/README': 'text\n',
  '/root/.bash_history': 'mysql -psecret\n',
  '/root/.aws/credentials': '[default]\naws_secret_access_key = x\n',
  '/usr/bin/su': 'x',
  '/srv/open': 'x',
  '/var/log/messages': 'Nov 26 10:00:00 larry kernel: booted \x1b[31mred\nNov 26 10:00:01 larry sshd[1]: hello\n',
};

export const gentooModes = { '/usr/bin/su': 0o4711, '/srv/open': 0o666, '/etc/shadow': 0o600 };
