import { type ByteView, crc32c } from '../../../core/index.ts';
import type { BlockSource } from '../../source/source.ts';
import { view } from '../../trouble.ts';
import { COMPAT, INCOMPAT, RO_COMPAT } from './features.ts';
import type { Superblock } from './superblock.ts';

export interface GroupDescriptor {
  /** First block of the inode table. */
  inodeTable: number;
  /** Clusters. */
  freeClusters: number;
  freeInodes: number;
}

/** @throws GvmError `corrupt` for a wrong checksum or a table outside of the file system */
export async function readGroup(
  source: BlockSource,
  sb: Superblock,
  group: number,
  verify: boolean,
  signal?: AbortSignal,
): Promise<GroupDescriptor> {
  const offset = descriptorOffset(sb, group);
  const bytes = await source.read(offset, sb.descriptorSize, signal);
  const d = view(bytes, `ext group descriptor ${group}`, offset);
  if (verify) checkSum(sb, group, d);
  const wide = sb.descriptorSize >= 64;
  const inodeTable = d.u32le(8) + (wide ? d.u32le(40) * 2 ** 32 : 0);
  const tableBlocks = Math.ceil((sb.inodesPerGroup * sb.inodeSize) / sb.blockSize);
  if (inodeTable <= sb.firstDataBlock || inodeTable + tableBlocks > sb.blocks) {
    throw d.corrupt(8, `the inode table begins at block ${inodeTable} of ${sb.blocks}`);
  }
  const count = (low: number, high: number) => d.u16le(low) + (wide ? d.u16le(high) * 2 ** 16 : 0);
  return { inodeTable, freeClusters: count(12, 44), freeInodes: count(14, 46) };
}

/** Where a group's descriptor stands: behind the superblock, or with meta_bg in the first group of its own block. */
function descriptorOffset(sb: Superblock, group: number): number {
  const perBlock = sb.blockSize / sb.descriptorSize;
  const block = Math.floor(group / perBlock);
  const within = (group % perBlock) * sb.descriptorSize;
  const superblock = sb.blockSize === 1024 ? 1 : 0;
  if (!(sb.incompat & INCOMPAT.meta_bg) || block < sb.firstMetaGroup) {
    return (superblock + 1 + block) * sb.blockSize + within;
  }
  const first = block * perBlock;
  let skip = hasSuperblock(sb, first) ? 1 : 0;
  if (sb.blockSize === 1024 && block === 0 && sb.firstDataBlock === 0) skip++;
  return (sb.firstDataBlock + first * sb.blocksPerGroup + skip) * sb.blockSize + within;
}

/** Whether a group begins with a copy of the superblock. */
function hasSuperblock(sb: Superblock, group: number): boolean {
  if (group === 0) return true;
  if (sb.compat & COMPAT.sparse_super2) return sb.backupGroups.includes(group);
  if (group === 1 || !(sb.roCompat & RO_COMPAT.sparse_super)) return true;
  return [3, 5, 7].some((base) => {
    let power = base;
    while (power < group) power *= base;
    return power === group;
  });
}

function checkSum(sb: Superblock, group: number, d: ByteView): void {
  const number = Buffer.alloc(4);
  number.writeUInt32LE(group);
  const [before, after] = [d.slice(0, 30), d.slice(32, d.length - 32)];
  let sum: number;
  if (sb.roCompat & RO_COMPAT.metadata_csum) {
    const zeros = crc32c(crc32c(crc32c(sb.seed, number), before), Buffer.alloc(2));
    sum = crc32c(zeros, after) & 0xffff;
  } else if (sb.roCompat & RO_COMPAT.uninit_bg) {
    sum = [sb.uuid, number, before, after].reduce(crc16, 0xffff);
  } else return;
  if (sum !== d.u16le(30)) throw d.corrupt(30, 'the checksum of the group descriptor is wrong');
}

/** CRC-16 with the reflected polynomial 0xa001 (lib/crc16.c of Linux). */
function crc16(seed: number, bytes: Uint8Array): number {
  let crc = seed;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xa001 : crc >>> 1;
  }
  return crc;
}
