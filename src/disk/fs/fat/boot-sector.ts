import type { ByteView } from '../../../core/index.ts';

export interface BootSector {
  /** Bits of an entry of the file allocation table. */
  kind: 12 | 16 | 32;
  clusterSize: number;
  clusters: number;
  /** Bytes from the beginning of the file system. */
  table: number;
  tableSize: number;
  /** The root directory of FAT12 and FAT16, which is no chain. */
  root: { offset: number; size: number };
  /** First cluster of the root directory of FAT32, else 0. */
  rootCluster: number;
  data: number;
  /** Volume serial number. */
  serial: number | undefined;
  label: string | undefined;
  /** Set by Linux while it is mounted for writing. */
  dirty: boolean;
}

const powerOfTwo = (n: number) => n > 0 && (n & (n - 1)) === 0;

/** Whether a sector begins a FAT file system: jump, sane numbers, end mark. */
export function isBootSector(sector: Buffer): boolean {
  if (sector.length < 512 || sector.readUInt16LE(510) !== 0xaa55) return false;
  if (sector[0] !== 0xeb && sector[0] !== 0xe9) return false;
  const sectorSize = sector.readUInt16LE(11);
  const sane = powerOfTwo(sectorSize) && sectorSize >= 512 && sectorSize <= 4096 && powerOfTwo(sector[13] as number);
  const tables = sector[16] as number;
  return sane && sector.readUInt16LE(14) > 0 && tables >= 1 && tables <= 4 && (sector[21] as number) >= 0xf0;
}

/** @throws GvmError `corrupt` */
export function parseBootSector(sector: ByteView, size: number): BootSector {
  const [sectorSize, perCluster, reserved, tables] = [sector.u16le(11), sector.u8(13), sector.u16le(14), sector.u8(16)];
  const rootEntries = sector.u16le(17);
  const sectors = sector.u16le(19) || sector.u32le(32);
  // Linux tells FAT32 by the empty 16-bit field, not by the number of clusters, and so do those who format small disks.
  const wide = sector.u16le(22) === 0;
  const tableSectors = wide ? sector.u32le(36) : sector.u16le(22);
  const rootSectors = Math.ceil((rootEntries * 32) / sectorSize);
  const before = reserved + tables * tableSectors + rootSectors;
  if (tableSectors === 0 || before >= sectors) throw sector.corrupt(19, `${before} of ${sectors} sectors are no data`);
  if (sectors * sectorSize > size) {
    throw sector.corrupt(19, `the file system has ${sectors * sectorSize} bytes, its partition ${size}`);
  }
  const clusters = Math.floor((sectors - before) / perCluster);
  const kind = wide ? 32 : clusters < 4085 ? 12 : 16;
  if ((clusters + 2) * (kind / 8) > tableSectors * sectorSize) {
    throw sector.corrupt(22, `a table of ${tableSectors} sectors is too small for ${clusters} clusters`);
  }
  const extended = wide ? 64 : 36;
  const hasId = sector.u8(extended + 2) === 0x29;
  // With mirroring off, the low bits number the table that counts.
  const flags = wide ? sector.u16le(40) : 0;
  const active = flags & 0x80 ? flags & 0xf : 0;
  if (active >= tables) throw sector.corrupt(40, `table ${active} of ${tables} is the active one`);
  const label = sector.latin1(extended + 7, 11).trimEnd();
  return {
    kind,
    clusterSize: perCluster * sectorSize,
    clusters,
    table: (reserved + active * tableSectors) * sectorSize,
    tableSize: tableSectors * sectorSize,
    root: { offset: (reserved + tables * tableSectors) * sectorSize, size: rootSectors * sectorSize },
    rootCluster: wide ? sector.u32le(44) : 0,
    data: before * sectorSize,
    serial: hasId ? sector.u32le(extended + 3) : undefined,
    label: hasId && label !== '' && label !== 'NO NAME' ? label : undefined,
    dirty: (sector.u8(extended + 1) & 1) !== 0,
  };
}
