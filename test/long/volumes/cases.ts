import type { DiskCase } from './guest.ts';

/** What must be read of a volume that a case makes. */
export interface Expected {
  how?: string;
  /** The name under which its kernel said what is in it. */
  as: string;
  /** What the refusal names, where the volume is not read. */
  refused?: string;
}

export interface VolumeCase extends DiskCase {
  volumes: Record<string, Expected>;
}

function array(name: string, metadata: string, level: string, count: number, ...options: string[]): VolumeCase {
  const parts = Array.from({ length: count }, (_, i) => `\${d}${i + 1}`).join(' ');
  const kind = level === 'linear' ? level : `raid${level}`;
  return {
    name,
    mib: 60 * count + 4,
    script: `parts ${count}
md /dev/md0 --metadata=${metadata} --level=${level} --raid-devices=${count} ${options.join(' ')} ${parts}
full $1 /dev/md0
stop_md`,
    volumes: { md0: { how: `MD ${kind}`, as: name, ...(level === '5' ? { refused: 'level raid5' } : {}) } },
  };
}

function encrypted(name: string, how: string, options: string): VolumeCase {
  return {
    name,
    mib: 100,
    script: `cryptsetup luksFormat -q ${options} --key-file /key $d
cryptsetup open --key-file /key $d opened
full $1 /dev/mapper/opened
cryptsetup close opened`,
    volumes: { 'luks:disk': { how, as: name } },
  };
}

const iterations = '--pbkdf-force-iterations';

const arrays: readonly VolumeCase[] = [
  array('md-1.2-raid1', '1.2', '1', 2),
  array('md-1.1-raid1', '1.1', '1', 2),
  array('md-1.0-raid1', '1.0', '1', 2),
  array('md-0.90-raid1', '0.90', '1', 2),
  array('md-0.90-raid10', '0.90', '10', 3, '--layout=n2'),
  array('md-raid10-near', '1.2', '10', 3, '--layout=n2'),
  array('md-raid10-far', '1.2', '10', 3, '--layout=f2'),
  array('md-raid10-offset', '1.2', '10', 4, '--layout=o2'),
  array('md-linear', '1.2', 'linear', 2),
  array('md-raid5', '1.2', '5', 3),
  {
    name: 'md-zones',
    mib: 130,
    script: `sfdisk --quiet $d <<'END'
label: gpt
start=1MiB, size=20MiB
start=21MiB, size=60MiB
start=81MiB, size=40MiB
END
md /dev/md0 --metadata=1.2 --level=0 --chunk=64 --raid-devices=3 \${d}1 \${d}2 \${d}3
full $1 /dev/md0
stop_md`,
    volumes: { md0: { how: 'MD raid0', as: 'md-zones' } },
  },
];

const groups: readonly VolumeCase[] = [
  {
    name: 'lvm',
    mib: 500,
    script: `parts 4
vgcreate -qq -s 1m vg0 \${d}1 \${d}2 \${d}3 \${d}4
lv -n linear -L 20m vg0 \${d}1
lv -n between -L 4m vg0 \${d}1
lvextend -qq -L 50m vg0/linear \${d}2
lv -n striped -L 48m -i 3 -I 16k vg0
lv -n mirrored --type mirror -m 1 --mirrorlog core -L 48m vg0
lv -n raid --type raid1 -m 1 -L 48m vg0
wait_lv vg0/mirrored; wait_lv vg0/raid
for name in linear striped mirrored raid; do full $1-$name /dev/vg0/$name; done
lvcreate -qq -y -n snap -s -L 4m vg0/linear
lvcreate -qq -y --type thin-pool -Zn -L 8m -n pool vg0
lvcreate -qq -y -Wn -V 20m --thinpool vg0/pool -n thin
vgchange -qq -an vg0`,
    volumes: {
      'vg0/linear': { how: 'LVM2 linear', as: 'lvm-linear' },
      'vg0/striped': { how: 'LVM2 striped', as: 'lvm-striped' },
      'vg0/mirrored': { how: 'LVM2 mirror', as: 'lvm-mirrored' },
      'vg0/raid': { how: 'LVM2 raid1', as: 'lvm-raid' },
      'vg0/snap': { as: '', refused: 'snapshots' },
      'vg0/thin': { as: '', refused: 'the type thin' },
    },
  },
];

const locks: readonly VolumeCase[] = [
  encrypted(
    'luks1',
    'LUKS1 aes-xts-plain64',
    `--type luks1 ${iterations} 2000 --cipher aes-xts-plain64 --key-size 512`,
  ),
  encrypted(
    'luks1-essiv',
    'LUKS1 aes-cbc-essiv:sha256',
    `--type luks1 ${iterations} 2000 --cipher aes-cbc-essiv:sha256 --key-size 256`,
  ),
  encrypted(
    'luks2-argon2id',
    'LUKS2 aes-xts-plain64',
    `--type luks2 --pbkdf argon2id --pbkdf-memory 16384 ${iterations} 4 --sector-size 4096`,
  ),
  encrypted(
    'luks2-pbkdf2',
    'LUKS2 aes-xts-plain64',
    `--type luks2 --pbkdf pbkdf2 ${iterations} 2000 --sector-size 512`,
  ),
  {
    name: 'nested',
    mib: 240,
    script: `parts 2
md /dev/md0 --metadata=1.2 --level=1 --raid-devices=2 \${d}1 \${d}2
cryptsetup luksFormat -q --type luks2 --pbkdf pbkdf2 ${iterations} 2000 --key-file /key /dev/md0
cryptsetup open --key-file /key /dev/md0 opened
vgcreate -qq -s 1m vg-1 /dev/mapper/opened
lv -n ro-ot -L 40m vg-1; lv -n home -L 40m vg-1
full $1-root /dev/vg-1/ro-ot; full $1-home /dev/vg-1/home
vgchange -qq -an vg-1; cryptsetup close opened; stop_md`,
    volumes: {
      'vg-1/ro-ot': { how: 'LVM2 linear', as: 'nested-root' },
      'vg-1/home': { how: 'LVM2 linear', as: 'nested-home' },
    },
  },
];

const pools: readonly VolumeCase[] = (
  [
    ['raid0', 2],
    ['raid1', 2],
    ['raid10', 4],
    ['raid1c3', 3],
  ] as const
).map(([profile, count]) => ({
  name: `btrfs-${profile}`,
  mib: 200 * count + 4,
  script: `parts ${count}
pool ${profile} ${count}
plant /mnt; sync -f /mnt; look $1 /mnt; umount /mnt`,
  volumes: { 'btrfs:pool': { how: 'Btrfs', as: `btrfs-${profile}` } },
}));

/** Every kind of volume, each on a disk of its own, with two thousand files; those of a family are made in one guest. */
export const families = { arrays, groups, locks, pools };
