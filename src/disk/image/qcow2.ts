import { GvmError } from '../../errors/index.ts';
import type { ImageFile } from './image-file.ts';
import type { Audit } from './layer.ts';
import { readQcow2Header } from './qcow2-header.ts';
import { readSnapshots, type Snapshot } from './qcow2-snapshots.ts';
import { checkQcow2Tables } from './qcow2-tables.ts';

/** @throws GvmError `image-corrupt`, `image-format` for what gvm does not support, `image-refused` for an external data file */
export async function auditQcow2(file: ImageFile): Promise<Audit> {
  const header = await readQcow2Header(file);
  if (header.externalData) {
    throw new GvmError({
      code: 'image-refused',
      message: `${file.path} keeps its data in another file (external data file)`,
      hint: 'make a plain copy of it with `qemu-img convert -O qcow2`, if you trust it',
      details: { path: file.path },
    });
  }
  await checkQcow2Tables(file, header);
  const { virtualSize, backing } = header;
  const snapshots = await readSnapshots(file, { ...header.snapshots, diskSize: virtualSize });
  return { virtualSize, backing, snapshots };
}

/** The same for the tables of one snapshot. @throws GvmError `image-corrupt` */
export async function auditSnapshot(file: ImageFile, { l1, diskSize }: Snapshot): Promise<void> {
  const header = await readQcow2Header(file);
  if (!Number.isSafeInteger(diskSize) || diskSize <= 0 || diskSize % 512 !== 0) {
    throw file.corrupt('snapshot table', header.snapshots.offset, `a snapshot says a disk of ${diskSize} bytes`);
  }
  await checkQcow2Tables(file, { ...header, l1, virtualSize: diskSize });
}
