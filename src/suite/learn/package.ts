import type { PackageValue } from '../../facts/index.ts';
import { always, type Learner } from './learner.ts';

/** What makes a system what it is, under the names that distributions give it. */
const IMPORTANT = [
  'baselayout base-files bash busybox coreutils util-linux glibc libc6 musl',
  'openrc systemd sysvinit sysvinit-core runit portage dpkg apk-tools pacman rpm gcc python python3',
  'gentoo-kernel gentoo-kernel-bin gentoo-sources linux-firmware dracut grub grub-efi-amd64 grub-pc grub2-common',
  'e2fsprogs xfsprogs btrfs-progs dosfstools lvm2 mdadm cryptsetup',
  'iproute2 dhcpcd netifrc networkmanager network-manager openssh openssh-server sudo doas opendoas nftables iptables',
  'chrony ntp rsyslog sysklogd syslog-ng cronie cron logrotate cloud-init qemu-guest-agent curl rsync',
  'nginx apache2 httpd postgresql mariadb docker podman containerd',
].flatMap((line) => line.split(' '));

export const packageLearner: Learner = {
  check: 'package',
  test: 'has its packages',
  survey: always(...IMPORTANT),
  requests: (name) => [{ fact: 'package', args: { name } }],
  declare(name, [value], named) {
    const { installed } = value as PackageValue;
    return installed || named ? { name, installed } : undefined;
  },
};
