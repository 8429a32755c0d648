// Reads: the partition table of a master boot record, with the chain of an extended partition.
// Specification: none was ever written; block/partitions/msdos.c of Linux is what everyone follows.
// Does not read: BSD, Solaris, Minix and Unixware slices inside a partition, partition tables of boot managers.
import type { ByteView } from '../../core/index.ts';
import type { BlockSource } from '../source/source.ts';
import { asDiagnostic, corrupt, type Diagnostic, view } from '../trouble.ts';
import { bootCodeOf } from './boot-code.ts';
import { checkPlaces, type Partition, type PartitionTable } from './table.ts';
import { dosTypeName } from './types.ts';

const EXTENDED = new Set([0x05, 0x0f, 0x85]);
const PROTECTIVE = 0xee;
const ENTRIES = 446;
const MOST_LOGICAL = 128;

interface Entry {
  bootable: boolean;
  type: number;
  /** Sectors. */
  start: number;
  count: number;
}

/** The table of the first sector, and whether it stands in for a GPT; undefined when there is none. */
export async function readMbr(
  source: BlockSource,
  sectorSize: 512 | 4096,
  signal?: AbortSignal,
): Promise<{ table: PartitionTable; protective: boolean } | undefined> {
  const sector = view(await source.read(0, 512, signal), 'MBR', 0);
  if (sector.u16le(510) !== 0xaa55 || isFatBootSector(sector)) return undefined;
  // A boot sector of something else has code here, in which these bytes have other values.
  if ([0, 1, 2, 3].some((n) => (sector.u8(ENTRIES + n * 16) & 0x7f) !== 0)) return undefined;
  const entries = [0, 1, 2, 3].map((n) => readEntry(sector, n));
  const protective = entries.some((entry) => entry.type === PROTECTIVE);
  const used = entries.flatMap((entry, index) => (isUsed(entry) ? [{ entry, index }] : []));
  if (!used.some(({ entry }) => entry.type !== 0) && !protective) return undefined;
  const id = sector.u32le(440);
  const partition = (entry: Entry, number: number, role: Partition['role'], start = entry.start): Partition => ({
    number,
    start: start * sectorSize,
    size: entry.count * sectorSize,
    type: entry.type.toString(16),
    typeName: dosTypeName(entry.type),
    role,
    uuid: `${id.toString(16).padStart(8, '0')}-${number.toString(16).padStart(2, '0')}`,
    name: undefined,
    bootable: entry.bootable,
    attributes: [],
  });
  const partitions = used.map(({ entry, index }) =>
    partition(entry, index + 1, EXTENDED.has(entry.type) ? 'extended' : 'primary'),
  );
  const diagnostics: Diagnostic[] = [];
  const extended = used.find(({ entry }) => EXTENDED.has(entry.type))?.entry;
  if (extended && !protective) {
    try {
      for await (const { entry, start } of logicalPartitions(source, sectorSize, extended, signal)) {
        partitions.push(partition(entry, partitions.filter((p) => p.role === 'logical').length + 5, 'logical', start));
      }
    } catch (error) {
      diagnostics.push(asDiagnostic(error));
    }
  }
  diagnostics.push(...checkPlaces(partitions, source.size, 'MBR'));
  const hex = id.toString(16).padStart(8, '0');
  const bootCode = bootCodeOf(sector.bytes);
  return {
    table: { label: 'dos', id: `0x${hex}`, sectorSize, usable: undefined, partitions, bootCode, diagnostics },
    protective,
  };
}

/** An entry of type 0 with sectors counts, in Linux and sfdisk as well: those behind it are numbered so. */
function isUsed(entry: Entry): boolean {
  return entry.type !== PROTECTIVE && entry.count > 0;
}

function readEntry(sector: ByteView, index: number): Entry {
  const at = ENTRIES + index * 16;
  return {
    bootable: sector.u8(at) === 0x80,
    type: sector.u8(at + 4),
    start: sector.u32le(at + 8),
    count: sector.u32le(at + 12),
  };
}

/** The chain of extended boot records: each names its partition and the next record. */
async function* logicalPartitions(
  source: BlockSource,
  sectorSize: number,
  extended: Entry,
  signal: AbortSignal | undefined,
): AsyncGenerator<{ entry: Entry; start: number }> {
  const seen = new Set<number>();
  for (let at = extended.start; ; ) {
    if (seen.has(at)) throw corrupt('extended boot record', at * sectorSize, 'the chain comes back to this record');
    if (seen.size >= MOST_LOGICAL)
      throw corrupt('extended boot record', at * sectorSize, `over ${MOST_LOGICAL} records`);
    seen.add(at);
    const sector = view(await source.read(at * sectorSize, 512, signal), 'extended boot record', at * sectorSize);
    if (sector.u16le(510) !== 0xaa55) throw sector.corrupt(510, 'the mark 55 AA is missing');
    const entries = [0, 1, 2, 3].map((n) => readEntry(sector, n));
    for (const entry of entries) {
      if (isUsed(entry) && !EXTENDED.has(entry.type)) yield { entry, start: at + entry.start };
    }
    const next = entries.find((entry) => EXTENDED.has(entry.type) && entry.count > 0);
    if (!next) return;
    at = extended.start + next.start;
  }
}

/** A FAT boot sector ends with the same mark, but begins with a jump and sane numbers. */
function isFatBootSector(sector: ByteView): boolean {
  const jumps = sector.u8(0) === 0xeb || sector.u8(0) === 0xe9;
  const sectorSize = sector.u16le(11);
  const clusters = sector.u8(13);
  const power = (n: number) => n > 0 && (n & (n - 1)) === 0;
  const sane = power(sectorSize) && sectorSize >= 512 && sectorSize <= 4096 && power(clusters);
  return jumps && sane && sector.u16le(14) > 0 && (sector.u8(16) === 1 || sector.u8(16) === 2) && sector.u8(21) >= 0xf0;
}
