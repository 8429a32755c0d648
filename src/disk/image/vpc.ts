// Reads: the footer of a VHD image ("vpc" in QEMU) and where its table points.
// Specification: Microsoft, Virtual Hard Disk Image Format 1.0. Does not read: differencing disks, refused by name.
import { unsupported } from '../trouble.ts';
import type { ImageFile } from './image-file.ts';
import type { Audit } from './layer.ts';

const SECTOR = 512;
const FOOTER = Buffer.from('conectix');
const HEADER = Buffer.from('cxsparse');
const FIXED = 2;
const DYNAMIC = 3;
const DIFFERENCING = 4;
const UNUSED = 0xffffffff;
/** The largest geometry that the footer can say; beyond it the size is what it says outright. */
const LARGEST_GEOMETRY = 65_535 * 16 * 255;
/** Makers whose disks are as large as they say; those of the others are as large as their geometry (QEMU, block/vpc.c). */
const EXACT = ['win ', 'qem2', 'd2v ', 'tap\0', 'vs  ', 'CTXS', 'wa\0\0'];

/** Whether a file is a VHD image: a dynamic one begins with its footer, a fixed one only ends with it. */
export async function isVpc(file: ImageFile): Promise<boolean> {
  if ((await file.head(FOOTER.length)).equals(FOOTER)) return true;
  if (file.size < SECTOR) return false;
  return (await file.read(file.size - SECTOR, FOOTER.length, 'VHD footer')).equals(FOOTER);
}

/** @throws GvmError `image-corrupt`, `unsupported` */
export async function auditVpc(file: ImageFile): Promise<Audit> {
  const first = (await file.head(FOOTER.length)).equals(FOOTER);
  const at = first ? 0 : file.size - SECTOR;
  const footer = await file.read(at, SECTOR, 'VHD footer');
  const sum = footer.reduce((total, byte, i) => (i >= 64 && i < 68 ? total : total + byte), 0);
  if (~sum >>> 0 !== footer.readUInt32BE(64))
    throw file.corrupt('VHD footer', at + 64, 'the VHD footer has a wrong sum');
  const virtualSize = sizeOf(footer);
  if (!Number.isSafeInteger(virtualSize) || virtualSize === 0 || virtualSize % SECTOR !== 0) {
    throw file.corrupt('VHD footer', at + 48, `the VHD footer says a disk of ${virtualSize} bytes`);
  }
  const type = footer.readUInt32BE(60);
  if (type === DIFFERENCING) throw unsupported(file.path, 'VHD disks that lie over a parent (differencing)');
  if (type === DYNAMIC && first) await checkTable(file, Number(footer.readBigUInt64BE(16)), virtualSize);
  else if (type !== FIXED || first) throw file.corrupt('VHD footer', at + 60, `the VHD footer says disk type ${type}`);
  else if (virtualSize > at) throw file.beyond('VHD disk', 0, virtualSize);
  return { virtualSize };
}

function sizeOf(footer: Buffer): number {
  const geometry = footer.readUInt16BE(56) * footer.readUInt8(58) * footer.readUInt8(59);
  const exact = EXACT.includes(footer.toString('latin1', 28, 32)) || geometry === LARGEST_GEOMETRY;
  return exact ? Number(footer.readBigUInt64BE(48)) : geometry * SECTOR;
}

/** The table of a dynamic disk: every block that it maps begins and ends within the file. */
async function checkTable(file: ImageFile, at: number, virtualSize: number): Promise<void> {
  const header = await file.read(at, 1024, 'VHD header');
  if (!header.subarray(0, HEADER.length).equals(HEADER))
    throw file.corrupt('VHD header', at, 'the VHD header is not there');
  const table = Number(header.readBigUInt64BE(16));
  const [entries, block] = [header.readUInt32BE(28), header.readUInt32BE(32)];
  if (block < SECTOR || (block & (block - 1)) !== 0)
    throw file.corrupt('VHD header', at + 32, `the VHD header says blocks of ${block} bytes`);
  const needed = Math.ceil(virtualSize / block);
  if (entries < needed)
    throw file.corrupt('VHD header', at + 28, `the VHD table has ${entries} entries, but the disk needs ${needed}`);
  const map = await file.read(table, needed * 4, 'VHD table');
  // A map of sectors goes before each block.
  const length = Math.ceil(block / SECTOR / 8 / SECTOR) * SECTOR + block;
  for (let i = 0; i < map.length; i += 4) {
    const sector = map.readUInt32BE(i);
    if (sector !== UNUSED && sector * SECTOR + length > file.size)
      throw file.beyond('VHD block', sector * SECTOR, length);
  }
}
