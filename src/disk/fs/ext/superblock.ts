import { crc32c } from '../../../core/index.ts';
import type { BlockSource } from '../../source/source.ts';
import { unsupported, view } from '../../trouble.ts';
import { COMPAT, featureNames, INCOMPAT, READABLE_INCOMPAT, RO_COMPAT } from './features.ts';

export const SUPERBLOCK_OFFSET = 1024;
const MAGIC = 0xef53;
const CHECKSUM = 0x3fc;

export interface Superblock {
  type: 'ext2' | 'ext3' | 'ext4';
  inodes: number;
  /** Blocks of the whole file system. */
  blocks: number;
  reservedBlocks: number;
  firstDataBlock: number;
  blockSize: number;
  /** Blocks of a cluster; 1 without bigalloc. */
  clusterBlocks: number;
  blocksPerGroup: number;
  inodesPerGroup: number;
  groups: number;
  inodeSize: number;
  descriptorSize: number;
  firstMetaGroup: number;
  backupGroups: [number, number];
  compat: number;
  incompat: number;
  roCompat: number;
  features: string[];
  uuid: Buffer;
  label: string;
  /** Bit 0: cleanly unmounted, bit 1: errors were found. */
  state: number;
  journalInode: number;
  overheadClusters: number;
  /** Seed of all metadata checksums. */
  seed: number;
}

/**
 * The primary superblock, checked.
 * @param verify whether its checksum must be right
 * @throws GvmError `corrupt`, `unsupported` (an incompatible feature, by name)
 */
export async function readSuperblock(source: BlockSource, verify: boolean, signal?: AbortSignal): Promise<Superblock> {
  const sb = view(await source.read(SUPERBLOCK_OFFSET, 1024, signal), 'ext superblock', SUPERBLOCK_OFFSET);
  if (sb.u16le(56) !== MAGIC) throw sb.corrupt(56, 'the magic number EF53 is missing');
  const dynamic = sb.u32le(76) >= 1;
  const [compat, incompat, roCompat] = dynamic ? [sb.u32le(92), sb.u32le(96), sb.u32le(100)] : [0, 0, 0];
  if (
    verify &&
    roCompat & RO_COMPAT.metadata_csum &&
    crc32c(0xffffffff, sb.slice(0, CHECKSUM)) !== sb.u32le(CHECKSUM)
  ) {
    throw sb.corrupt(CHECKSUM, 'the checksum of the superblock is wrong');
  }
  const unread = incompat & ~READABLE_INCOMPAT;
  if (unread !== 0)
    throw unsupported('ext file system', `the feature ${featureNames(unread, INCOMPAT, 'FEATURE_I').join(', ')}`);
  const logBlock = sb.u32le(24);
  if (logBlock > 6) throw sb.corrupt(24, `blocks of 2^${10 + logBlock} bytes`);
  const blockSize = 1024 << logBlock;
  const bigalloc = (roCompat & RO_COMPAT.bigalloc) !== 0;
  const logCluster = bigalloc ? sb.u32le(28) : logBlock;
  if (logCluster < logBlock || logCluster > 20) throw sb.corrupt(28, `clusters of 2^${10 + logCluster} bytes`);
  const wide = (incompat & INCOMPAT['64bit']) !== 0;
  const count = (low: number, high: number) => sb.u32le(low) + (wide ? sb.u32le(high) * 2 ** 32 : 0);
  const blocks = count(4, 336);
  const [blocksPerGroup, inodesPerGroup, firstDataBlock] = [sb.u32le(32), sb.u32le(40), sb.u32le(20)];
  if (blocksPerGroup === 0 || blocksPerGroup > blockSize * 8 * 2 ** (logCluster - logBlock)) {
    throw sb.corrupt(32, `${blocksPerGroup} blocks a group`);
  }
  if (inodesPerGroup === 0 || inodesPerGroup > blockSize * 8) throw sb.corrupt(40, `${inodesPerGroup} inodes a group`);
  if (firstDataBlock > 1 || firstDataBlock >= blocks) throw sb.corrupt(20, `the first data block is ${firstDataBlock}`);
  if (blocks * blockSize > source.size) {
    throw sb.corrupt(
      4,
      `the file system has ${blocks} blocks of ${blockSize} bytes, its partition ${source.size} bytes`,
    );
  }
  const inodeSize = dynamic ? sb.u16le(88) : 128;
  if (inodeSize < 128 || inodeSize > blockSize || (inodeSize & (inodeSize - 1)) !== 0) {
    throw sb.corrupt(88, `inodes of ${inodeSize} bytes`);
  }
  const descriptorSize = wide ? sb.u16le(254) : 32;
  if (descriptorSize < 32 || descriptorSize > 1024 || (descriptorSize & (descriptorSize - 1)) !== 0) {
    throw sb.corrupt(254, `group descriptors of ${descriptorSize} bytes`);
  }
  const groups = Math.ceil((blocks - firstDataBlock) / blocksPerGroup);
  if (sb.u32le(0) > groups * inodesPerGroup) throw sb.corrupt(0, `${sb.u32le(0)} inodes in ${groups} groups`);
  const uuid = Buffer.from(sb.slice(104, 16));
  return {
    type: typeOf(compat, incompat, roCompat),
    inodes: sb.u32le(0),
    blocks,
    reservedBlocks: count(8, 340),
    firstDataBlock,
    blockSize,
    clusterBlocks: 2 ** (logCluster - logBlock),
    blocksPerGroup,
    inodesPerGroup,
    groups,
    inodeSize,
    descriptorSize,
    firstMetaGroup: sb.u32le(260),
    backupGroups: [sb.u32le(0x24c), sb.u32le(0x250)],
    compat,
    incompat,
    roCompat,
    features: [
      ...featureNames(compat, COMPAT, 'FEATURE_C'),
      ...featureNames(incompat, INCOMPAT, 'FEATURE_I'),
      ...featureNames(roCompat, RO_COMPAT, 'FEATURE_R'),
    ],
    uuid,
    label: fieldText(sb.slice(120, 16)),
    state: sb.u16le(58),
    journalInode: compat & COMPAT.has_journal ? sb.u32le(224) : 0,
    overheadClusters: sb.u32le(0x248),
    seed: incompat & INCOMPAT.metadata_csum_seed ? sb.u32le(0x270) : crc32c(0xffffffff, uuid),
  };
}

function fieldText(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.subarray(0, end < 0 ? bytes.length : end).toString('utf8');
}

/** As blkid tells them apart: what ext3 cannot have is ext4, what has a journal is ext3. */
function typeOf(compat: number, incompat: number, roCompat: number): Superblock['type'] {
  const ext3Incompat = INCOMPAT.filetype | INCOMPAT.needs_recovery | INCOMPAT.meta_bg;
  const ext3RoCompat = RO_COMPAT.sparse_super | RO_COMPAT.large_file | 0x4;
  if ((incompat & ~ext3Incompat) !== 0 || (roCompat & ~ext3RoCompat) !== 0) return 'ext4';
  return compat & COMPAT.has_journal ? 'ext3' : 'ext2';
}
