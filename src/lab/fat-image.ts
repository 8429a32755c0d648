// Writes a FAT12 file system with long file names in its root directory, in the geometry of a 1.44 MB floppy.
// Specification: Microsoft FAT specification 1.03 (2000), sections "Boot Sector and BPB" and "Long Directory Entries".
// Not written: subdirectories, other sizes, times other than one fixed date.
import { GvmError } from '../errors/index.ts';

export interface FatFile {
  /** At most 13 characters of printable ASCII. */
  name: string;
  content: Buffer;
}

const SECTOR = 512;
const SECTORS = 2880;
const FAT_SECTORS = 9;
const ROOT_ENTRIES = 224;
const ENTRY = 32;
const ROOT_START = 1 + 2 * FAT_SECTORS;
const DATA_START = ROOT_START + (ROOT_ENTRIES * ENTRY) / SECTOR;
const CLUSTERS = SECTORS - DATA_START;
const END_OF_CHAIN = 0xfff;
/** 1980-01-01, the first day that FAT knows. */
const DATE = (1 << 5) | 1;

/**
 * The bytes of a FAT12 volume, the same for the same arguments.
 * @param label at most 11 characters, upper case
 * @param serial volume id, 32 bits
 * @throws GvmError `internal` where the files do not fit
 */
export function fatImage(label: string, serial: number, files: readonly FatFile[]): Buffer {
  const image = Buffer.alloc(SECTORS * SECTOR);
  writeBootSector(image, label, serial);
  const fat = new Uint16Array(CLUSTERS + 2);
  fat[0] = 0xff0;
  fat[1] = END_OF_CHAIN;
  const entries = [labelEntry(label)];
  let next = 2;
  for (const [index, file] of files.entries()) {
    const clusters = Math.ceil(file.content.length / SECTOR);
    if (next + clusters > fat.length || entries.length + 2 > ROOT_ENTRIES) {
      throw new GvmError({ code: 'internal', message: `${file.name} does not fit on a volume of ${SECTORS} sectors` });
    }
    file.content.copy(image, (DATA_START + next - 2) * SECTOR);
    for (let i = 0; i < clusters; i++) fat[next + i] = i === clusters - 1 ? END_OF_CHAIN : next + i + 1;
    const alias = `FILE~${index + 1}`.padEnd(11);
    entries.push(longNameEntry(file.name, checksum(alias)));
    entries.push(fileEntry(alias, clusters > 0 ? next : 0, file.content.length));
    next += clusters;
  }
  Buffer.concat(entries).copy(image, ROOT_START * SECTOR);
  const packed = packFat12(fat);
  packed.copy(image, SECTOR);
  packed.copy(image, (1 + FAT_SECTORS) * SECTOR);
  return image;
}

function writeBootSector(image: Buffer, label: string, serial: number): void {
  image.set([0xeb, 0x3c, 0x90]);
  image.write('gvm     ', 3, 'latin1');
  image.writeUInt16LE(SECTOR, 11);
  image.writeUInt8(1, 13); // sectors per cluster
  image.writeUInt16LE(1, 14); // reserved sectors
  image.writeUInt8(2, 16); // FATs
  image.writeUInt16LE(ROOT_ENTRIES, 17);
  image.writeUInt16LE(SECTORS, 19);
  image.writeUInt8(0xf0, 21); // media: removable
  image.writeUInt16LE(FAT_SECTORS, 22);
  image.writeUInt16LE(18, 24); // sectors per track
  image.writeUInt16LE(2, 26); // heads
  image.writeUInt8(0x29, 38); // the three fields that follow are present
  image.writeUInt32LE(serial >>> 0, 39);
  image.write(label.padEnd(11), 43, 'latin1');
  image.write('FAT12   ', 54, 'latin1');
  image.writeUInt16LE(0xaa55, 510);
}

function labelEntry(label: string): Buffer {
  const entry = Buffer.alloc(ENTRY);
  entry.write(label.padEnd(11), 0, 'latin1');
  entry.writeUInt8(0x08, 11);
  entry.writeUInt16LE(DATE, 24);
  return entry;
}

function fileEntry(alias: string, cluster: number, size: number): Buffer {
  const entry = Buffer.alloc(ENTRY);
  entry.write(alias, 0, 'latin1');
  entry.writeUInt8(0x01, 11); // read-only
  for (const date of [16, 18, 24]) entry.writeUInt16LE(DATE, date);
  entry.writeUInt16LE(cluster, 26);
  entry.writeUInt32LE(size, 28);
  return entry;
}

/** The single long-name entry of a name of at most 13 UTF-16 units. */
function longNameEntry(name: string, sum: number): Buffer {
  const entry = Buffer.alloc(ENTRY);
  entry.writeUInt8(0x41, 0); // last and first of its set
  entry.writeUInt8(0x0f, 11);
  entry.writeUInt8(sum, 13);
  const places = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30];
  for (const [i, place] of places.entries()) {
    const unit = i < name.length ? name.charCodeAt(i) : i === name.length ? 0 : 0xffff;
    entry.writeUInt16LE(unit, place);
  }
  return entry;
}

/** The checksum that ties a long name to its short alias. */
function checksum(alias: string): number {
  return [...Buffer.from(alias, 'latin1')].reduce((sum, byte) => (((sum & 1) << 7) + (sum >> 1) + byte) & 0xff, 0);
}

/** Twelve bits an entry, two entries in three bytes. */
function packFat12(fat: Uint16Array): Buffer {
  const bytes = Buffer.alloc(FAT_SECTORS * SECTOR);
  for (let i = 0; i < fat.length; i++) {
    const value = fat[i] ?? 0;
    const at = i + (i >> 1);
    if (i % 2 === 0) {
      bytes[at] = value & 0xff;
      bytes[at + 1] = ((bytes[at + 1] ?? 0) & 0xf0) | (value >> 8);
    } else {
      bytes[at] = ((bytes[at] ?? 0) & 0x0f) | ((value & 0xf) << 4);
      bytes[at + 1] = value >> 4;
    }
  }
  return bytes;
}
