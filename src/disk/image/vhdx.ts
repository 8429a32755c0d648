// Reads: headers, regions, metadata and block table of a VHDX image. Specification: Microsoft [MS-VHDX].
// Does not read: differencing disks and a log that was not replayed, refused by name.
import { crc32c } from '../../core/index.ts';
import { unsupported } from '../trouble.ts';
import type { ImageFile } from './image-file.ts';
import type { Audit } from './layer.ts';

const MIB = 2 ** 20;
const HEADERS = [64 * 1024, 128 * 1024];
const REGIONS = [192 * 1024, 256 * 1024];
const TABLE = 64 * 1024;
const BAT = guid('2dc27766-f623-4200-9d64-115e9bfd4a08');
const METADATA = guid('8b7ca206-4790-4b9a-b8fe-575f050f886e');
const FILE_PARAMETERS = guid('caa16737-fa36-4d43-b3b6-33f0aa44e76b');
const DISK_SIZE = guid('2fa54224-cd1b-4876-b211-5dbed83bf4b8');
const HAS_PARENT = 2;
const PRESENT = [6, 7];
/** 64 TiB in blocks of 1 MiB, and its bitmaps, take 512 MiB of table; QEMU makes blocks of 8 MiB and more of those. */
const LARGEST_BAT = 64 * MIB;

/** @throws GvmError `image-corrupt`, `unsupported` */
export async function auditVhdx(file: ImageFile): Promise<Audit> {
  const header = await newestHeader(file);
  if (header.subarray(48, 64).some((byte) => byte !== 0)) {
    throw unsupported(file.path, 'VHDX images whose log was not replayed (`qemu-img check -r all` replays it)');
  }
  const regions = await readRegions(file);
  const metadata = await readMetadata(file, regions.metadata);
  const [block, flags] = [metadata.parameters.readUInt32LE(0), metadata.parameters.readUInt32LE(4)];
  if ((flags & HAS_PARENT) !== 0) throw unsupported(file.path, 'VHDX disks that lie over a parent (differencing)');
  if (block < MIB || block > 256 * MIB || (block & (block - 1)) !== 0) {
    throw file.corrupt('VHDX metadata', regions.metadata.at, `the VHDX metadata says blocks of ${block} bytes`);
  }
  const virtualSize = Number(metadata.size.readBigUInt64LE(0));
  if (!Number.isSafeInteger(virtualSize) || virtualSize === 0 || virtualSize % 512 !== 0) {
    throw file.corrupt('VHDX metadata', regions.metadata.at, `the VHDX metadata says a disk of ${virtualSize} bytes`);
  }
  await checkBat(file, regions.bat, block, virtualSize);
  return { virtualSize };
}

/** Of two headers the sound one with the higher number. */
async function newestHeader(file: ImageFile): Promise<Buffer> {
  let newest: Buffer | undefined;
  for (const at of HEADERS) {
    const header = await file.read(at, 4096, 'VHDX header');
    if (header.toString('latin1', 0, 4) !== 'head' || !sumIsRight(header)) continue;
    if (!newest || header.readBigUInt64LE(8) > newest.readBigUInt64LE(8)) newest = header;
  }
  if (newest) return newest;
  throw file.corrupt('VHDX header', HEADERS[0] ?? 0, 'neither of the VHDX headers is sound');
}

/** The sum stands at 4, and counts as zeros. */
function sumIsRight(bytes: Buffer): boolean {
  const copy = Buffer.from(bytes);
  copy.writeUInt32LE(0, 4);
  return ~crc32c(0xffffffff, copy) >>> 0 === bytes.readUInt32LE(4);
}

interface Region {
  at: number;
  length: number;
}

async function readRegions(file: ImageFile): Promise<{ bat: Region; metadata: Region }> {
  for (const at of REGIONS) {
    const table = await file.read(at, TABLE, 'VHDX region table');
    if (table.toString('latin1', 0, 4) !== 'regi' || !sumIsRight(table)) continue;
    const found = new Map<string, Region>();
    const count = Math.min(table.readUInt32LE(8), (TABLE - 16) / 32);
    for (let i = 0; i < count; i++) {
      const entry = table.subarray(16 + i * 32, 48 + i * 32);
      const kind = entry.toString('hex', 0, 16);
      if (kind !== BAT && kind !== METADATA && (entry.readUInt32LE(28) & 1) !== 0) {
        throw unsupported(file.path, `the VHDX region ${kind}`);
      }
      found.set(kind, { at: Number(entry.readBigUInt64LE(16)), length: entry.readUInt32LE(24) });
    }
    const [bat, metadata] = [found.get(BAT), found.get(METADATA)];
    if (bat && metadata) return { bat, metadata };
  }
  throw file.corrupt('VHDX region table', REGIONS[0] ?? 0, 'neither of the VHDX region tables is sound');
}

async function readMetadata(file: ImageFile, { at }: Region): Promise<{ parameters: Buffer; size: Buffer }> {
  const table = await file.read(at, TABLE, 'VHDX metadata');
  if (table.toString('latin1', 0, 8) !== 'metadata')
    throw file.corrupt('VHDX metadata', at, 'there is no VHDX metadata');
  const items = new Map<string, Buffer>();
  const count = Math.min(table.readUInt16LE(10), 2047);
  for (let i = 0; i < count; i++) {
    const entry = table.subarray(32 + i * 32, 64 + i * 32);
    const kind = entry.toString('hex', 0, 16);
    if (kind !== FILE_PARAMETERS && kind !== DISK_SIZE) continue;
    items.set(kind, await file.read(at + entry.readUInt32LE(16), 8, 'VHDX metadata'));
  }
  const [parameters, size] = [items.get(FILE_PARAMETERS), items.get(DISK_SIZE)];
  if (parameters && size) return { parameters, size };
  throw file.corrupt('VHDX metadata', at, 'the VHDX metadata lacks the size of the disk or of its blocks');
}

/** Every block that is said to be there ends within the file. */
async function checkBat(file: ImageFile, { at, length }: Region, block: number, virtualSize: number): Promise<void> {
  if (length > LARGEST_BAT) throw unsupported(file.path, `VHDX block tables of ${length} bytes (${LARGEST_BAT})`);
  const needed = Math.ceil(virtualSize / block);
  if (length < needed * 8)
    throw file.corrupt(
      'VHDX block table',
      at,
      `the VHDX block table has ${length} bytes, but the disk needs ${needed * 8}`,
    );
  const table = await file.read(at, length, 'VHDX block table');
  for (let i = 0; i + 8 <= table.length; i += 8) {
    const low = table.readUInt32LE(i);
    if (!PRESENT.includes(low & 7)) continue;
    const offset = table.readUInt32LE(i + 4) * 2 ** 32 + (low - (low % MIB));
    // Entries of bitmaps stand among them; of those 1 MiB is there. The last block of a file may be cut.
    if (offset < MIB || offset >= file.size) throw file.beyond('VHDX block', offset, MIB);
  }
}

/** As it stands in the file: the first three groups with their bytes turned round. */
function guid(text: string): string {
  const [a = '', b = '', c = '', ...rest] = text.split('-');
  const turned = [a, b, c].map((group) => Buffer.from(group, 'hex').reverse().toString('hex'));
  return [...turned, ...rest].join('');
}
