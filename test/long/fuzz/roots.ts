import type { Files } from '../../facts/tree-disk.ts';

/** What every distribution has; the forms of these files are what mutants are made of. */
const common: Files = {
  '/etc/os-release': 'NAME="A name"\nID=some\nVERSION_ID="12"\nPRETTY_NAME=\'Some 12\'\n',
  '/etc/hostname': 'host\n',
  '/etc/machine-id': 'uninitialized\n',
  '/etc/timezone': 'Etc/UTC\n',
  '/etc/locale.conf': 'LANG=C.UTF-8\n',
  '/etc/passwd': 'root:x:0:0:root:/root:/bin/bash\nme:x:1000:1000:,,,:/home/me:/bin/sh\n',
  '/etc/shadow': 'root:!:19000:0:99999:7:::\nme:$y$j9T$a$b:19000:0:99999:7:::\n',
  '/etc/group': 'root:x:0:\nsudo:x:27:me\nme:x:1000:\n',
  '/etc/fstab': '/dev/vda1 / ext4 defaults 0 1\n/dev/mapper/vg-home\t/home\txfs\tnoauto,nofail 0 2\n',
  '/etc/hosts': '127.0.0.1 localhost\n::1 ip6-localhost\n',
  '/etc/resolv.conf': 'search x\nnameserver 192.0.2.1\n',
  '/etc/ssh/sshd_config': 'Port 22\nPermitRootLogin=no\nMatch all\n  X11Forwarding no\n',
  '/home/me/.ssh/authorized_keys': 'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAAQ me@host\n',
  '/etc/sysctl.conf': '# text\nnet.ipv4.ip_forward=1\n-kernel.panic = 5\n',
  '/etc/crontab': 'SHELL=/bin/sh\n17 * * * * root cd / && true\n@daily root x\n',
  '/etc/sudoers.d/own': 'Defaults env_reset\nme ALL=(ALL) NOPASSWD: \\\n  ALL\n',
  '/boot/vmlinuz-6.1.0': 'MZ',
  '/boot/config-6.1.0': 'CONFIG_EXT4_FS=m\n# CONFIG_XFS_FS is not set\nCONFIG_LOCALVERSION="-x"\n',
  '/lib/modules/6.1.0/modules.dep':
    'kernel/fs/ext4/ext4.ko.xz: kernel/fs/jbd2/jbd2.ko.xz\nkernel/fs/jbd2/jbd2.ko.xz:\n',
  '/lib/modules/6.1.0/modules.builtin': 'kernel/drivers/virtio/virtio.ko\n',
  '/boot/grub/grub.cfg':
    'set default="0"\nsubmenu "More" {\n menuentry "A" {\n  linux /vmlinuz-6.1.0 root=/dev/vda1 quiet\n  initrd /i\n }\n}\n',
  '/boot/loader/entries/a.conf': 'title A\nlinux /vmlinuz-6.1.0\noptions root=UUID=x ro\noptions quiet\n',
  '/boot/extlinux/extlinux.conf': 'LABEL a\n KERNEL /vmlinuz-6.1.0\n APPEND root=LABEL=x\n',
  '/var/log/syslog': 'Jan  1 00:00:00 host kernel: [    0.000000] Linux\n',
  '/boot/efi/EFI/BOOT/BOOTX64.EFI': 'MZ',
  '/root/.netrc': 'machine x login y password z\n',
};

const units: Files = {
  '/sbin/init': '-> /lib/systemd/systemd',
  '/lib/systemd/systemd': '\x7fELF\x02\x01\x01',
  '/lib/systemd/system/a.service':
    '[Unit]\nDescription=A\n[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\nAlias=b.service\n',
  '/lib/systemd/system/x@.service': '[Install]\nDefaultInstance=1\nWantedBy=multi-user.target\n',
  '/etc/systemd/system/multi-user.target.wants/a.service': '-> /lib/systemd/system/a.service',
  '/etc/systemd/system/c.service': '-> /dev/null',
  '/etc/systemd/network/10.network': '[Match]\nName=en*\n[Network]\nDHCP=yes\nAddress=192.0.2.2/24\n',
};

const dpkg = Array.from(
  { length: 12 },
  (_, i) =>
    `Package: p${i}\nStatus: install ok ${i % 4 ? 'installed' : 'config-files'}\nArchitecture: amd64\nVersion: ${i}:1.0-${i}\nDescription: text\n more\n`,
).join('\n');

export const debianRoot: Files = {
  ...common,
  ...units,
  '/etc/netplan/50-own.yaml': `network:
  version: 2
  ethernets:
    id0: &card
      match: { name: en* }
      set-name: lan
      dhcp4: true
      dhcp6: no
      addresses: [192.0.2.5/24, "2001:db8::1/64": { label: x }]
      nameservers: { addresses: [192.0.2.1] }
    id1: *card
  bridges: { br0: { interfaces: [lan], addresses: [198.51.100.1/24] } }
`,
  '/etc/netplan/60-more.yaml': 'network: { ethernets: { id0: { dhcp6: true } } }\n',
  '/var/lib/dpkg/status': dpkg,
  '/etc/debian_version': '12.5\n',
  '/etc/network/interfaces': 'auto lo\niface lo inet loopback\niface eth0 inet static\n  address 192.0.2.3/24\n',
  '/etc/default/grub': 'GRUB_CMDLINE_LINUX="quiet"\nGRUB_TIMEOUT=5\n',
};

/** A root for each other package manager. */
export function otherRoots(rpm: Buffer): Record<string, Files> {
  return {
    rpm: {
      ...common,
      ...units,
      '/usr/lib/sysimage/rpm/rpmdb.sqlite': rpm,
      '/etc/NetworkManager/system-connections/a.nmconnection':
        '[connection]\nid=a\ntype=ethernet\n[ipv4]\nmethod=auto\naddress1=192.0.2.4/24\n',
    },
    pacman: {
      ...common,
      ...units,
      '/var/lib/pacman/local/ALPM_DB_VERSION': '9\n',
      '/var/lib/pacman/local/a-1-1/desc': '%NAME%\na\n',
    },
    apk: {
      ...common,
      '/lib/apk/db/installed': 'C:Q1\nP:musl\nV:1.2.4-r2\nA:x86_64\n\nP:busybox\nV:1.36-r5\n\n',
      '/etc/runlevels/boot/hostname': '-> /etc/init.d/hostname',
      '/etc/init.d/hostname': '#!/sbin/openrc-run\n',
    },
  };
}
