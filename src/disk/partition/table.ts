import type { BlockSource } from '../source/source.ts';
import { type Diagnostic, unsupported } from '../trouble.ts';
import { readGpt } from './gpt.ts';
import { readMbr } from './mbr.ts';

export interface Partition {
  /** As Linux counts: vda1 is 1; logical partitions begin with 5. */
  number: number;
  /** Bytes from the beginning of the disk. */
  start: number;
  /** Bytes. */
  size: number;
  /** A GUID in capitals (gpt), or one byte in hexadecimal (dos), as sfdisk(8) writes them. */
  type: string;
  /** What the type is for, where gvm knows it. */
  typeName: string | undefined;
  role: 'primary' | 'extended' | 'logical';
  /** PARTUUID, as Linux writes it: a GUID in small letters, or `DISKID-NN`. */
  uuid: string;
  /** PARTLABEL (gpt). Any character may be in it. */
  name: string | undefined;
  bootable: boolean;
  /** Attribute bits (gpt) by sfdisk's names. */
  attributes: string[];
}

export interface PartitionTable {
  label: 'gpt' | 'dos';
  /** The disk's GUID in capitals, or its number as `0xNNNNNNNN`. */
  id: string;
  sectorSize: 512 | 4096;
  /** The sectors that partitions may lie in (gpt). */
  usable: { first: number; last: number } | undefined;
  partitions: Partition[];
  /** The boot loader whose code a BIOS finds in the first sector; `unknown` for other code. */
  bootCode?: string | undefined;
  diagnostics: Diagnostic[];
}

/**
 * The partition table of a disk; undefined when it has none.
 * @param sectorSize of a dos table, which does not say it; a gpt is found by itself
 * @throws GvmError `corrupt` for a table that is there and cannot be used
 */
export async function readPartitionTable(
  source: BlockSource,
  sectorSize: 512 | 4096 = 512,
  signal?: AbortSignal,
): Promise<PartitionTable | undefined> {
  if (source.size < 512) return undefined;
  const mbr = await readMbr(source, sectorSize, signal);
  if (!mbr) return undefined;
  if (!mbr.protective) return mbr.table;
  if (source.size < 4096) throw unsupported('partition table', `a GPT on a disk of ${source.size} bytes`);
  const gpt = { ...(await readGpt(source, signal)), bootCode: mbr.table.bootCode };
  if (mbr.table.partitions.length > 0) {
    gpt.diagnostics.push({
      structure: 'protective MBR',
      offset: 446,
      message: 'the protective MBR names other partitions as well (hybrid MBR); the GPT counts',
    });
  }
  return gpt;
}

/** Diagnostics for partitions that overlap or leave the disk. */
export function checkPlaces(partitions: readonly Partition[], diskSize: number, structure: string): Diagnostic[] {
  const found: Diagnostic[] = [];
  const say = (message: string) => found.push({ structure, offset: undefined, message });
  const sorted = partitions.filter((p) => p.role !== 'extended').sort((a, b) => a.start - b.start);
  let end = 0;
  let before = 0;
  for (const partition of sorted) {
    if (partition.start < end) say(`partition ${partition.number} overlaps partition ${before}`);
    if (partition.start + partition.size > diskSize) say(`partition ${partition.number} reaches beyond the disk's end`);
    if (partition.start + partition.size > end) {
      end = partition.start + partition.size;
      before = partition.number;
    }
  }
  return found;
}
