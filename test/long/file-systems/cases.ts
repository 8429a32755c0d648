import type { DiskCase, MoreTools } from '../volumes/guest.ts';

export interface FileSystemCase extends DiskCase {
  /** The volume that holds the file system, or the layers of an overlay. */
  read: string | readonly string[];
  type: string;
}

export const tools: MoreTools = {
  packages: [
    ...['xfsprogs', 'libinih1', 'liburcu8', 'dosfstools', 'squashfs-tools', 'acl', 'libcap2-bin'],
    ...['xorriso', 'libisoburn1', 'libisofs6', 'libburn4', 'libjte2', 'libbz2-1.0'],
  ],
  modules: [
    ...['xfs', 'vfat', 'fat', 'nls_utf8', 'nls_cp437', 'nls_ascii', 'nls_iso8859_1', 'squashfs', 'isofs', 'overlay'],
  ],
  shell: `
on() { # TYPE OPTIONS: the disk with a tree of every kind of entry
  mount -t $1 -o $2 $d /mnt && plant_all /mnt && { [ $1 = ext4 ] || reflinks /mnt; } && settle $3
}
settle() { sync -f /mnt; look $1 /mnt; umount /mnt; }
# Besides what 'plant' makes: access lists, capabilities, a file in a hundred pieces, a crowd.
plant_all() {
  plant "$1"
  setfacl -m u:1234:rw,g:77:r "$1/marked/10"; setfacl -d -m u:99:rx "$1/marked"
  setcap cap_net_raw+ep "$1/marked/900"
  for i in $(seq 40); do setfattr -n user.many-$i -v "value of $i" "$1/marked/10" 2> /dev/null || break; done
  chown -h 70000:80000 "$1/links/fast"; chown 4000000000:123456 "$1/marked/block"
  touch -h -d '1999-12-31 23:59:59.25' "$1/links/slow"
  touch -d '2099-01-01 00:00:00' "$1/sizes/0"
  for i in $(seq 1 2 300); do head -c 4096 /dev/urandom | dd of="$1/pieces" bs=4096 seek=$i conv=notrunc status=none; done
  # Beyond 2 GiB; its hash takes an emulated guest a minute.
  [ -z "$large" ] || printf 'the end' | dd of="$1/large" bs=1M seek=2299 status=none
  yes 'words that repeat' | head -c 700000 > "$1/text"
  mkdir "$1/crowd"
  ( cd "$1/crowd"; for i in $(seq 3000); do : > one-of-very-many-names-in-a-folder-$i; done; rm *7; )
}
reflinks() { cp --reflink=always "$1/text" "$1/shared" && printf changed | dd of="$1/shared" bs=1 seek=5000 conv=notrunc status=none; }
# A FAT knows names, folders, sizes, times, and that a file is only read.
plant_fat() { # FOLDER COUNT LARGEST
  mkdir "$1/names" "$1/sizes" "$1/many" "$1/deep"
  ( cd "$1/names"
    for name in "$(printf 'x%.0s' $(seq 255))" 'grüße-日本-🙂' UPPER.TXT lower.txt Mixed.Case many.dots.in.one.name '~tilde~1' \\
      'a+b,c;d=[e]' .hidden noext EIGHTCHR.EXT 'with blank' '__proto__' "it's"; do echo "$name" > "$name"; done
    for i in $(seq 30); do echo $i > "same long beginning $i.txt"; done )
  for size in 0 1 511 512 513 2048 4095 4096 4097 65536 $3; do head -c $size /dev/urandom > "$1/sizes/$size"; done
  : > "$1/one"; : > "$1/two"
  for i in $(seq 40); do head -c 3000 /dev/urandom >> "$1/one"; head -c 5000 /dev/urandom >> "$1/two"; done
  printf end | dd of="$1/gap" bs=1k seek=$(( $3 / 2048 )) status=none
  for i in $(seq $2); do echo $i > "$1/many/file-$i"; done; rm "$1/many/"*3
  for i in $(seq $2); do case $i in *3) echo again $i > "$1/many/new $i";; esac; done
  at="$1/deep"; for i in $(seq 20); do at="$at/d$i"; mkdir "$at"; echo $i > "$at/leaf"; done
  touch -d '1980-01-01 00:00:02' "$1/sizes/0"; touch -d '2107-12-31 23:59:58' "$1/sizes/1"
  chmod 444 "$1/sizes/513"
}
fat() { # BITS CLUSTER LARGEST
  mkfs.fat -F $1 -s $2 -n LABEL $d > /dev/null && mount -t vfat -o utf8,tz=UTC,umask=022 $d /mnt && plant_fat /mnt 2200 $3 && settle $4
}
scratch() { mkfs.ext4 -q -F $1 && mount -t ext4 $1 /mnt && plant_all /mnt; }
squash() { # CASE OPTIONS
  parts 2; scratch \${d}2; one=$1; shift
  mksquashfs /mnt \${d}1 -noappend -no-progress -quiet "$@" > /dev/null; umount /mnt
  mount -t squashfs -o ro \${d}1 /mnt && look $one /mnt && umount /mnt
}
iso() { # CASE OPTIONS OF THE MOUNT, OPTIONS OF XORRISO
  one=$1; options=$2; shift 2
  xorriso -as mkisofs -quiet "$@" -o \${d}1 /mnt 2> /dev/null; umount /mnt
  mount -t iso9660 -o ro,$options \${d}1 /mnt && look $one /mnt && umount /mnt
}
`,
};

const made = (name: string, mib: number, type: string, script: string): FileSystemCase => ({
  ...{ name, mib, type, script, read: 'disk' },
});
/** One of each kind has a large file as well. */
const largeIn = (name: string) => (['ext4', 'xfs', 'btrfs'].includes(name) ? 'large=1\n' : '');

const ext = (name: string, options: string) =>
  made(
    name,
    400,
    name.replace(/-.*/, ''),
    `${largeIn(name)}mkfs.ext4 -q -F ${options} $d\non ext4 user_xattr,acl ${name}`,
  );
const xfs = (name: string, options: string) =>
  made(name, 400, 'xfs', `${largeIn(name)}mkfs.xfs -q -f ${options} $d\non xfs noatime ${name}`);
const btrfs = (name: string, options: string) =>
  made(
    name,
    600,
    'btrfs',
    `${largeIn(name)}mkfs.btrfs -q -f $d
mount -t btrfs -o noatime${options} $d /mnt
plant_all /mnt; reflinks /mnt
btrfs -q subvolume create /mnt/subvolume; echo inside > /mnt/subvolume/inside
btrfs -q subvolume snapshot -r /mnt/subvolume /mnt/snapshot; echo later > /mnt/subvolume/later
settle ${name}`,
  );
const fat = (bits: 12 | 16 | 32, mib: number, cluster: number, largest: number) =>
  made(`fat${bits}`, mib, 'vfat', `fat ${bits} ${cluster} ${largest} fat${bits}`);
const squash = (name: string, options: string): FileSystemCase => ({
  ...made(name, 300, 'squashfs', `squash ${name} ${options}`),
  read: 'p1',
});

/** Every kind of file system with two thousand files of every sort that it can express; a family is made in one guest. */
export const families: Record<string, readonly FileSystemCase[]> = {
  ext: [
    ext('ext4', '-b 4096'),
    ext('ext4-inline', '-b 4096 -I 512 -O inline_data,ea_inode,bigalloc -C 16384'),
    ext('ext3', '-t ext3 -b 1024 -I 128'),
    ext('ext2', '-t ext2 -b 4096 -I 256'),
  ],
  xfs: [
    xfs('xfs', '-m reflink=1,bigtime=1'),
    xfs('xfs-small', '-b size=1024 -n size=8192 -m reflink=1'),
    {
      ...xfs('xfs-v4', '-m crc=0'),
      script: 'mkfs.xfs -q -f -m crc=0 $d\nmount -t xfs $d /mnt\nplant_all /mnt; settle xfs-v4',
    },
  ],
  btrfs: [
    btrfs('btrfs', ''),
    btrfs('btrfs-zlib', ',compress-force=zlib'),
    btrfs('btrfs-lzo', ',compress-force=lzo'),
    btrfs('btrfs-zstd', ',compress-force=zstd'),
  ],
  fat: [fat(12, 15, 8, 100_000), fat(16, 64, 4, 3_000_000), fat(32, 300, 1, 30_000_000)],
  squashfs: [
    squash('squashfs-gzip', '-comp gzip'),
    squash('squashfs-xz', '-comp xz -Xbcj x86 -b 1M'),
    squash('squashfs-lzo', '-comp lzo -no-fragments'),
    squash('squashfs-lz4', '-comp lz4 -always-use-fragments'),
    squash('squashfs-zstd', '-comp zstd -noI -noX'),
  ],
  iso9660: [
    {
      ...made('iso-rock-ridge', 400, 'iso9660', ''),
      // Of a name of 255 bytes this kernel shows 253, and it counts the seconds of a disc in 32 bits.
      script: `parts 2; scratch \${d}2; mv /mnt/odd/x* /mnt/odd/$(printf 'x%.0s' $(seq 250)); touch -d '2037-01-01' /mnt/sizes/0
iso iso-rock-ridge nojoliet -R`,
      read: 'p1',
    },
    {
      ...made('iso-joliet', 200, 'iso9660', ''),
      script: `parts 2
mkfs.ext4 -q -F \${d}2; mount -t ext4 \${d}2 /mnt; mkdir /mnt/many /mnt/sizes
for i in $(seq 2100); do echo $i > "/mnt/many/a rather long name of $i.text"; done
for name in 'grüße-日本' Mixed.Case lower many.dots.in.it; do echo "$name" > "/mnt/$name"; done
for size in 0 1 2047 2048 2049 3000000; do head -c $size /dev/urandom > /mnt/sizes/$size; done
at=/mnt; for i in $(seq 6); do at="$at/d$i"; mkdir "$at"; echo $i > "$at/leaf"; done; rmdir /mnt/lost+found
iso iso-joliet iocharset=utf8 -J -joliet-long --norock`,
      read: 'p1',
    },
  ],
  overlay: [
    {
      name: 'overlay',
      mib: 600,
      type: 'overlay',
      script: `parts 3; scratch \${d}3
mksquashfs /mnt \${d}1 -noappend -no-progress -quiet > /dev/null; umount /mnt
mkdir -p /low /middle /top
mkfs.ext4 -q -F \${d}2; mkfs.ext4 -q -F \${d}3
mount -t squashfs -o ro \${d}1 /low; mount -t ext4 \${d}2 /middle; mount -t ext4 \${d}3 /top
mkdir /middle/upper /middle/work /top/upper /top/work
mount -t overlay -o lowerdir=/low,upperdir=/middle/upper,workdir=/middle/work,redirect_dir=on overlay /mnt
( cd /mnt
  rm many/file-19*; rm -r links; mkdir links; echo new > links/new; mkdir links/sub
  mv deep shallow; mkdir -p a/b; mv sizes a/b/sizes; mv a/b/sizes/60 a/sixty
  chmod 700 modes/640; chown 5:6 modes/2711; echo more >> many/file-200-; ln many/file-2* a/ 2> /dev/null || true
  rm -r odd; echo 'now a file' > odd; rm text; mkdir text; echo in > text/in
  mknod a/fifo p; mknod a/null c 1 3; ln -s ../nowhere a/link; setfattr -n user.new -v 1 modes/4755; setfattr -n trusted.new -v 2 marked )
umount /mnt
mount -t overlay -o lowerdir=/middle/upper:/low,upperdir=/top/upper,workdir=/top/work,redirect_dir=on overlay /mnt
( cd /mnt
  mv shallow a/b/again; mv a/b/sizes top; rm odd; mkdir odd; echo back > odd/back; rm -r text; echo file > text
  mv a moved; rm moved/null; mkdir many2; mv many/file-3* many2/; rm crowd/*5; echo one > crowd/one
  echo changed > moved/sixty; touch -d '2001-02-03 04:05:06' modes/4755; setfattr -x user.new modes/4755; chmod 711 marked )
sync; look overlay /mnt; umount /mnt /low /middle /top`,
      read: ['p3:/upper', 'p2:/upper', 'p1'],
    },
  ],
};
