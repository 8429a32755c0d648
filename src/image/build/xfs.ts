// Makes an XFS file system. There is no program that fills one without mounting it and keeps times and hard links, so
// the image's own kernel and its mkfs.xfs (package xfsprogs) do it, in a builder guest. Not reproducible to the byte:
// inode generations are random, change and birth times come from the guest's clock, and mkfs.xfs draws ids for the log.
import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { shellQuote } from '../../core/index.ts';
import type { PackageList, RecipePartition } from '../../schema/index.ts';
import { BUILDER_DONE, builderPrologue, runBuilderGuest } from './builder-guest.ts';
import type { BuildContext } from './events.ts';
import { type FileSystemInput, makeExt4 } from './ext4.ts';
import type { UnpackedKernel } from './kernel.ts';

type Xfs = Extract<RecipePartition['filesystem'], { type: 'xfs' }>;

const FILL_MS = 1_800_000;

/** The tree on its way into the guest; nothing of it is left in the image. */
const TRANSPORT = {
  type: 'ext4',
  label: 'transport',
  uuid: '1b7f4c52-90a3-4d0e-8e55-3f2a6c1d7b80',
  hashSeed: '1b7f4c52-90a3-4d0e-8e55-3f2a6c1d7b81',
} as const;

export interface XfsInput extends FileSystemInput {
  list: PackageList;
  kernel: UnpackedKernel;
}

/** Makes and fills an XFS file system in a file. */
export async function makeXfs(image: string, fs: Xfs, input: XfsInput, context: BuildContext): Promise<void> {
  const source = join(context.work, 'xfs-source');
  await makeExt4(source, TRANSPORT, input);
  await writeFile(image, '');
  await truncate(image, input.size);
  await runBuilderGuest(
    {
      ...{ name: 'xfs-guest', kernel: input.kernel, list: input.list, modules: ['xfs'], script: fillScript(fs) },
      disks: [
        { path: source, writable: false },
        { path: image, writable: true },
      ],
      timeout: FILL_MS,
    },
    context,
  );
}

/** vda holds the tree, vdb becomes the file system. mkfs.xfs and cp are those of the tree. */
function fillScript({ label, uuid }: Xfs): string {
  return `${builderPrologue}
mount -t ext4 -o ro /dev/vda /root && mount -t devtmpfs dev /root/dev && mount -t proc proc /root/proc || fail "the tree"
chroot /root /sbin/mkfs.xfs -q -f -L ${shellQuote(label)} -m uuid=${uuid} -i nrext64=0 /dev/vdb || fail "mkfs.xfs"
mount -t ext4 -o ro /dev/vda /root/media && mount -t xfs /dev/vdb /root/mnt || fail "mounting"
chroot /root /bin/cp -a /media/. /mnt/ && rmdir /root/mnt/lost+found || fail "copying"
umount /root/mnt || fail "unmounting"
sync
echo "${BUILDER_DONE}"
poweroff -f
`;
}
