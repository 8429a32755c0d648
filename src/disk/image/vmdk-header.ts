// Reads: the header (or footer) of a sparse VMDK extent. Specification: VMware, Virtual Disk Format 5.0, "Hosted Sparse
// Extents" and "Stream-Optimized Compressed Sparse Extents". Does not read: ESXi's own COWD and SE sparse extents.
import { unsupported } from '../trouble.ts';
import type { ImageFile } from './image-file.ts';

export interface SparseHeader {
  /** Bytes of the disk that the extent holds. */
  capacity: number;
  /** Bytes of a grain, the unit in which room is taken. */
  grain: number;
  /** Entries of one grain table. */
  perTable: number;
  /** Where the grain directory lies, in bytes, and how many tables it names. */
  directory: { at: number; tables: number };
  descriptor: { at: number; length: number };
  /** Whether the table entry 1 is a grain of zeros. */
  zeroGrains: boolean;
  /** Grains are compressed by themselves; with a marker before each where `markers`. */
  compressed: boolean;
  markers: boolean;
}

const SECTOR = 512;
const LENGTH = 512;
const MAGIC = Buffer.from('KDMV');
const AT_THE_END = 2n ** 64n - 1n;
const FLAG_ZERO_GRAINS = 1 << 2;
const FLAG_COMPRESSED = 1 << 16;
const FLAG_MARKERS = 1 << 17;
const DEFLATE = 1;
/** The directory of the largest disk that VMware makes (62 TiB) has two million entries. */
const MOST_TABLES = 2 ** 22;

/** @throws GvmError `image-corrupt`, `unsupported` */
export async function readSparseHeader(file: ImageFile): Promise<SparseHeader> {
  const first = await file.read(0, LENGTH, 'VMDK header');
  if (!first.subarray(0, 4).equals(MAGIC)) {
    throw file.corrupt('VMDK header', 0, 'the VMDK extent does not begin as a sparse one');
  }
  if (first.readBigUInt64LE(56) !== AT_THE_END) return decode(file, first, 0);
  // What is written as a stream knows its directory only at the end: footer, and a marker of the end of the stream.
  const at = file.size - 2 * SECTOR;
  if (at < LENGTH) throw file.beyond('VMDK footer', LENGTH, LENGTH);
  const footer = await file.read(at, LENGTH, 'VMDK footer');
  if (!footer.subarray(0, 4).equals(MAGIC)) throw file.corrupt('VMDK footer', at, 'the VMDK footer is not there');
  return decode(file, footer, at);
}

function decode(file: ImageFile, bytes: Buffer, at: number): SparseHeader {
  const corrupt = (offset: number, what: string) =>
    file.corrupt('VMDK header', at + offset, `the VMDK header says ${what}`);
  const sectors = (offset: number) => {
    const value = Number(bytes.readBigUInt64LE(offset)) * SECTOR;
    if (Number.isSafeInteger(value)) return value;
    throw corrupt(offset, `${value / SECTOR} sectors`);
  };
  const version = bytes.readUInt32LE(4);
  if (version < 1 || version > 3) throw unsupported(file.path, `VMDK version ${version}`);
  const flags = bytes.readUInt32LE(8);
  const [capacity, grain, perTable] = [sectors(12), sectors(20), bytes.readUInt32LE(44)];
  // QEMU takes a header without capacity for one whose descriptor names other files.
  if (capacity === 0) throw corrupt(12, 'a disk of 0 sectors');
  if (grain < SECTOR || grain > 2 ** 20 || (grain & (grain - 1)) !== 0) throw corrupt(20, `grains of ${grain} bytes`);
  if (perTable < 1 || perTable > 512) throw corrupt(44, `grain tables of ${perTable} entries`);
  const compression = bytes.readUInt16LE(77);
  const compressed = (flags & FLAG_COMPRESSED) !== 0;
  if (compressed && compression !== DEFLATE) throw unsupported(file.path, `VMDK compression ${compression}`);
  const tables = Math.ceil(capacity / (grain * perTable));
  const directory = { at: sectors(56), tables };
  if (tables > MOST_TABLES) throw corrupt(12, `a disk that takes ${tables} grain tables`);
  if (directory.at + tables * 4 > file.size) throw file.beyond('grain directory', directory.at, tables * 4);
  return {
    ...{ capacity, grain, perTable, directory, compressed },
    descriptor: { at: sectors(28), length: sectors(36) },
    zeroGrains: (flags & FLAG_ZERO_GRAINS) !== 0,
    markers: (flags & FLAG_MARKERS) !== 0,
  };
}
