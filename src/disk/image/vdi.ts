// Reads: the header of a VDI image and where its map points. Specification: the structures of VirtualBox's VDICore.h, as
// QEMU's block/vdi.c describes them. Does not read: undo and differencing images, refused by name.
import { unsupported } from '../trouble.ts';
import type { ImageFile } from './image-file.ts';
import type { Audit } from './layer.ts';

const LENGTH = 512;
const VERSION = 0x00010001;
const BLOCK = 2 ** 20;
const DYNAMIC = 1;
const FIXED = 2;
/** From here on an entry of the map says that nothing is kept of the block. */
const NOT_KEPT = 0xfffffffe;
/** QEMU's own limit. */
const MOST_BLOCKS = 0x20000000;

/** @throws GvmError `image-corrupt`, `unsupported` */
export async function auditVdi(file: ImageFile): Promise<Audit> {
  const header = await file.read(0, LENGTH, 'VDI header');
  const [version, type] = [header.readUInt32LE(68), header.readUInt32LE(76)];
  if (version !== VERSION) throw unsupported(file.path, `VDI version 0x${version.toString(16)}`);
  const parented = header.subarray(424, 456).some((byte) => byte !== 0);
  if (parented || (type !== DYNAMIC && type !== FIXED)) {
    throw unsupported(file.path, 'VDI images that lie over a parent (differencing)');
  }
  const corrupt = (at: number, what: string) => file.corrupt('VDI header', at, `the VDI header says ${what}`);
  const [sector, block] = [header.readUInt32LE(360), header.readUInt32LE(376)];
  if (sector !== 512) throw corrupt(360, `sectors of ${sector} bytes`);
  if (block !== BLOCK) throw unsupported(file.path, `VDI blocks of ${block} bytes`);
  const [virtualSize, blocks] = [Number(header.readBigUInt64LE(368)), header.readUInt32LE(384)];
  if (!Number.isSafeInteger(virtualSize) || virtualSize === 0 || Math.ceil(virtualSize / BLOCK) > blocks) {
    throw corrupt(368, `a disk of ${virtualSize} bytes in ${blocks} blocks`);
  }
  if (blocks > MOST_BLOCKS) throw corrupt(384, `${blocks} blocks`);
  const [mapAt, dataAt] = [header.readUInt32LE(340), header.readUInt32LE(344)];
  const map = await file.read(mapAt, blocks * 4, 'VDI map');
  for (let i = 0; i < map.length; i += 4) {
    const entry = map.readUInt32LE(i);
    if (entry >= NOT_KEPT) continue;
    // The last block of the file may end with the last sector that was written.
    const at = dataAt + entry * BLOCK;
    if (entry >= blocks || at >= file.size) throw file.beyond('VDI block', at, BLOCK);
  }
  return { virtualSize: Math.ceil(virtualSize / 512) * 512 };
}
