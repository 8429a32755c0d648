import { crc32c } from '../../../core/index.ts';
import type { BlockSource } from '../../source/source.ts';
import { type Diagnostic, unsupported, view } from '../../trouble.ts';

export const MAGIC = 0x58465342;

const INCOMPAT: Readonly<Record<string, number>> = {
  ftype: 0x1,
  sparse_inodes: 0x2,
  meta_uuid: 0x4,
  bigtime: 0x8,
  needsrepair: 0x10,
  nrext64: 0x20,
  exchange: 0x40,
  parent: 0x80,
  metadir: 0x100,
  zoned: 0x200,
};
const READABLE = 0xff;
const RO_COMPAT: Readonly<Record<string, number>> = { finobt: 1, rmapbt: 2, reflink: 4, inobtcount: 8 };

export interface Superblock {
  /** 4, or 5 with checksums. */
  version: 4 | 5;
  blockSize: number;
  blocks: number;
  sectorSize: number;
  inodeSize: number;
  inodesPerBlock: number;
  agBlocks: number;
  agCount: number;
  /** Bits of a block's number within its group, of an inode's within its block. */
  agBlockBits: number;
  inodeBlockBits: number;
  /** Bytes of a directory block. */
  directoryBlock: number;
  root: number;
  /** Directory entries say the type of the file. */
  fileTypes: boolean;
  log: { start: number; blocks: number };
  uuid: Buffer;
  label: string;
  icount: number;
  ifree: number;
  freeBlocks: number;
  features: string[];
  diagnostics: Diagnostic[];
}

/** Whether the CRC-32C of a structure is right: it stands little-endian and inverted, and is summed as zeros. */
export function sumIsRight(bytes: Buffer, at: number): boolean {
  const sum = crc32c(crc32c(crc32c(0xffffffff, bytes.subarray(0, at)), Buffer.alloc(4)), bytes.subarray(at + 4));
  return ~sum >>> 0 === bytes.readUInt32LE(at);
}

/** @throws GvmError `corrupt`, `unsupported` (an incompatible feature, by name) */
export async function readSuperblock(source: BlockSource, signal?: AbortSignal): Promise<Superblock> {
  const sb = view(await source.read(0, 512, signal), 'XFS superblock', 0);
  if (sb.u32be(0) !== MAGIC) throw sb.corrupt(0, 'the magic number XFSB is missing');
  const version = sb.u16be(100) & 0xf;
  if (version !== 4 && version !== 5) throw unsupported('XFS file system', `version ${version}`);
  const sectorSize = sb.u16be(102);
  const power = (n: number) => n > 0 && (n & (n - 1)) === 0;
  if (!power(sectorSize) || sectorSize < 512 || sectorSize > 32768)
    throw sb.corrupt(102, `sectors of ${sectorSize} bytes`);
  if (version === 5 && !sumIsRight(await source.read(0, sectorSize, signal), 224)) {
    throw sb.corrupt(224, 'the checksum of the superblock is wrong');
  }
  if (version === 4 && !(sb.u16be(100) & 0x2000)) throw unsupported('XFS file system', 'directories of version 1');
  const incompat = version === 5 ? sb.u32be(216) : 0;
  const unread = incompat & ~READABLE;
  if (unread !== 0) throw unsupported('XFS file system', `the feature ${names(unread, INCOMPAT).join(', ')}`);
  const [blockSize, inodeSize] = [sb.u32be(4), sb.u16be(104)];
  if (!power(blockSize) || blockSize < 512 || blockSize > 65536) throw sb.corrupt(4, `blocks of ${blockSize} bytes`);
  if (!power(inodeSize) || inodeSize < 256 || inodeSize > 2048 || inodeSize > blockSize) {
    throw sb.corrupt(104, `inodes of ${inodeSize} bytes`);
  }
  const [agBlocks, agCount, blocks] = [sb.u32be(84), sb.u32be(88), sb.u64be(8)];
  const [agBlockBits, inodeBlockBits] = [sb.u8(124), sb.u8(123)];
  if (agBlocks === 0 || agBlocks > 2 ** 31 || agBlockBits !== Math.ceil(Math.log2(agBlocks))) {
    throw sb.corrupt(84, `groups of ${agBlocks} blocks, their numbers of ${agBlockBits} bits`);
  }
  if (agCount !== Math.ceil(blocks / agBlocks)) throw sb.corrupt(88, `${agCount} groups for ${blocks} blocks`);
  if (2 ** inodeBlockBits !== blockSize / inodeSize) throw sb.corrupt(123, `2^${inodeBlockBits} inodes a block`);
  if (blocks * blockSize > source.size) {
    throw sb.corrupt(8, `the file system has ${blocks * blockSize} bytes, its partition ${source.size}`);
  }
  const directoryBlock = blockSize * 2 ** sb.u8(192);
  if (directoryBlock > 65536) throw sb.corrupt(192, `directory blocks of ${directoryBlock} bytes`);
  const features2 = sb.u16be(100) & 0x8000 ? sb.u32be(200) : 0;
  const diagnostics: Diagnostic[] = [];
  if (incompat & (INCOMPAT.needsrepair as number)) {
    diagnostics.push({ structure: 'XFS superblock', offset: 216, message: 'it is marked as in need of xfs_repair' });
  }
  const ro = version === 5 ? names(sb.u32be(212), RO_COMPAT) : [];
  return {
    version,
    blockSize,
    blocks,
    sectorSize,
    inodeSize,
    inodesPerBlock: blockSize / inodeSize,
    agBlocks,
    agCount,
    agBlockBits,
    inodeBlockBits,
    directoryBlock,
    root: sb.u64be(56),
    fileTypes: version === 5 ? (incompat & 1) !== 0 : (features2 & 0x200) !== 0,
    log: { start: sb.u64be(48), blocks: sb.u32be(96) },
    uuid: Buffer.from(sb.slice(32, 16)),
    label: sb.slice(108, 12).toString('utf8').split('\0', 1)[0] ?? '',
    icount: sb.u64be(128),
    ifree: sb.u64be(136),
    freeBlocks: sb.u64be(144),
    features: [`v${version}`, ...(version === 5 ? ['crc', ...names(incompat, INCOMPAT)] : []), ...ro],
    diagnostics,
  };
}

function names(word: number, table: Readonly<Record<string, number>>): string[] {
  const found: string[] = [];
  for (let bit = 0; bit < 32; bit++) {
    const mask = 2 ** bit;
    if ((word & mask) === 0) continue;
    found.push(Object.entries(table).find(([, value]) => value === mask)?.[0] ?? `0x${mask.toString(16)}`);
  }
  return found;
}
