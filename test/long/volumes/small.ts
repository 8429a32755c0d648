import type { DiskCase } from './guest.ts';

function array(
  name: string,
  metadata: string,
  level: string,
  sizes: readonly number[],
  ...options: string[]
): DiskCase {
  const parts = sizes.map((_, i) => `\${d}${i + 1}`).join(' ');
  let start = 1;
  const table = sizes.map((size) => {
    const line = `start=${start}MiB, size=${size}MiB`;
    start += size;
    return line;
  });
  return {
    name,
    mib: start + 1,
    script: `sfdisk --quiet $d <<'END'
label: gpt
${table.join('\n')}
END
md /dev/md0 --metadata=${metadata} --level=${level} --raid-devices=${sizes.length} ${options.join(' ')} ${parts}
tiny $1 /dev/md0
stop_md`,
  };
}

function pool(name: string, profile: string, count: number): DiskCase {
  return {
    name,
    mib: 160 * count + 4,
    script: `parts ${count}
pool ${profile} ${count}
btrfs -q subvolume create /mnt/@; btrfs -q subvolume create /mnt/@home; mkdir /mnt/@/etc /mnt/@/home
echo ID=gvmtest > /mnt/@/etc/os-release
echo 'LABEL=pool / btrfs subvol=@ 0 0' > /mnt/@/etc/fstab
echo 'LABEL=pool /home btrfs subvol=/@home 0 0' >> /mnt/@/etc/fstab
btrfs -q subvolume snapshot /mnt/@ /mnt/@before
echo "in $1" > /mnt/@/name; echo "at home" > /mnt/@home/note
for i in 1 2 3; do for k in $(seq 30); do printf "$i%.0s" $(seq 10000); done > /mnt/@/$i; done
umount /mnt`,
  };
}

/** Disks of a few MiB, which the quick tests keep packed in test/fixtures/volumes. */
export const smallCases: readonly DiskCase[] = [
  array('md-0.90-raid1', '0.90', '1', [1, 1]),
  array('md-1.0-raid1', '1.0', '1', [2, 2], '--bitmap=none'),
  array('md-1.1-linear', '1.1', 'linear', [2, 2]),
  array('md-1.2-raid0', '1.2', '0', [2, 3, 4], '--chunk=4'),
  array('md-raid10-near', '1.2', '10', [2, 2, 2], '--layout=n2', '--chunk=4', '--bitmap=none'),
  array('md-raid10-far', '1.2', '10', [3, 3, 3], '--layout=f2', '--chunk=4', '--bitmap=none'),
  array('md-raid10-offset', '1.2', '10', [3, 3, 3, 3], '--layout=o2', '--chunk=4', '--bitmap=none'),
  array('md-raid5', '1.2', '5', [2, 2, 2], '--chunk=4', '--bitmap=none'),
  {
    name: 'md-stale',
    mib: 6,
    script: `sfdisk --quiet $d <<'END'
label: gpt
start=1MiB, size=2MiB
start=3MiB, size=2MiB
END
md /dev/md0 --metadata=1.2 --level=1 --raid-devices=2 --bitmap=none \${d}1 \${d}2
tiny old /dev/md0
mdadm --quiet /dev/md0 --fail \${d}1; mdadm --quiet /dev/md0 --remove \${d}1
mount -t ext4 /dev/md0 /mnt; echo "in $1" > /mnt/name; umount /mnt
stop_md`,
  },
  {
    name: 'lvm',
    mib: 18,
    script: `parts 4
vgcreate -qq -s 64k --metadatasize 128k --dataalignment 64k vg0 \${d}1 \${d}2 \${d}3 \${d}4
lv -n linear -L 512k vg0 \${d}1
lv -n between -L 64k vg0 \${d}1
lvextend -qq -L 1m vg0/linear \${d}2
lv -n striped -L 768k -i 3 -I 4k vg0
lv -n mirrored --type mirror -m 1 --mirrorlog core -L 512k vg0
lv -n raid --type raid1 -m 1 -L 512k vg0
wait_lv vg0/mirrored; wait_lv vg0/raid
for name in linear striped mirrored raid; do tiny $name /dev/vg0/$name; done
lvcreate -qq -y -n snap -s -L 128k vg0/linear
lvcreate -qq -y --type thin-pool -Zn -L 1m --poolmetadatasize 2m -n pool vg0
lvcreate -qq -y -Wn -V 1m --thinpool vg0/pool -n thin
vgchange -qq -an vg0`,
  },
  {
    name: 'lvm-stale',
    mib: 8,
    script: `parts 2
vgcreate -qq -s 64k --metadatasize 128k --dataalignment 64k vg1 \${d}1 \${d}2
lv -n raid --type raid1 -m 1 -L 512k vg1 \${d}1 \${d}2
wait_lv vg1/raid
tiny old /dev/vg1/raid
vgchange -qq -an vg1
dd if=\${d}1 of=/kept bs=64k status=none; dd if=/dev/zero of=\${d}1 bs=4k count=1 conv=notrunc status=none
vgchange -qq -ay --activationmode degraded vg1
mount -t ext4 /dev/vg1/raid /mnt; echo "in $1" > /mnt/name; umount /mnt
vgchange -qq -an vg1
dd if=/kept of=\${d}1 bs=64k status=none`,
  },
  pool('btrfs-raid0', 'raid0', 2),
  pool('btrfs-raid1', 'raid1', 2),
  pool('btrfs-raid10', 'raid10', 4),
];
