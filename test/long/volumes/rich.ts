import type { DiskCase } from './guest.ts';

/** What the scripts of {@link richCases} call. */
export const richShell = `
rich() { # FOLDER: what no mkfs writes: files in many pieces, attributes of every size, lists of access, long links
  ( cd "$1"
    mkdir dir small; echo x > small/a; ln small/a small/again
    for i in $(seq 30); do : > dir/$(printf 'n%.0s' $(seq 150))-$i; done
    for i in $(seq 1 2 700); do head -c 1000 /dev/zero | tr '\\0' $(( i % 10 )) | dd of=pieces bs=4096 seek=$i conv=notrunc status=none; done
    echo a > attributes; setfacl -m u:1234:rw,g:77:r attributes; setfacl -d -m u:99:rx dir
    setcap cap_net_raw+ep attributes; setfattr -n trusted.mark -v x attributes
    echo a > many; for i in $(seq 150); do setfattr -n user.a-name-of-some-length-that-fills-its-block-$i -v "value of $i" many 2> /dev/null || break; done
    echo a > large; for size in 900 9000; do setfattr -n user.large-$size -v "$(printf "%\${size}s" x)" large 2> /dev/null || true; done
    ln -s small/a short; ln -s "$(printf './%.0s' $(seq 400))small/a" long
    mknod block b 8 17; mknod character c 1 300; mknod fifo p; chown 70000:80000 fifo
    truncate -s 300000 sparse; echo end | dd of=sparse bs=1000 seek=200 conv=notrunc status=none
    xfs_io -f -c 'falloc 0 64k' unwritten; echo begun | dd of=unwritten bs=1000 seek=20 conv=notrunc status=none
    yes 'words that repeat' | head -c 100000 > text; touch -d '1999-12-31 23:59:59.25' text; touch -d '2099-01-01' short )
}
`;

const xfs = (name: string, options: string, more: string): DiskCase => ({
  ...{ name, mib: 310 },
  script: `mkfs.xfs -q -f ${options} $d; mount -t xfs -o noatime $d /mnt
rich /mnt
${more}
umount /mnt`,
});

/** Small file systems that a kernel filled with what their own tools cannot write; the mutants of the long tests begin with them. */
export const richCases: readonly DiskCase[] = [
  xfs('xfs-rich', '-m reflink=1,bigtime=1', 'cp --reflink=always /mnt/pieces /mnt/shared'),
  xfs('xfs-v4-rich', '-m crc=0', ''),
  {
    name: 'btrfs-rich',
    mib: 200,
    script: `mkfs.btrfs -q -f -n 4096 $d; mount -t btrfs -o noatime,compress-force=zlib $d /mnt
rich /mnt; sync
for kind in lzo zstd; do
  mount -o remount,compress-force=$kind /mnt; yes "words for $kind" | head -c 300000 > /mnt/$kind; echo few > /mnt/few-$kind; sync
done
cp --reflink=always /mnt/text /mnt/shared
btrfs -q subvolume create /mnt/subvolume; echo inside > /mnt/subvolume/inside
btrfs -q subvolume snapshot -r /mnt/subvolume /mnt/small/snapshot; echo later > /mnt/subvolume/later
umount /mnt`,
  },
  {
    name: 'ext4-rich',
    mib: 8,
    script: `mke2fs -q -F -b 1024 -N 256 -I 256 -O none,extent,filetype,64bit,metadata_csum,ext_attr,dir_index,sparse_super2 $d
mount -t ext4 -o user_xattr,acl $d /mnt; rich /mnt; umount /mnt`,
  },
];
