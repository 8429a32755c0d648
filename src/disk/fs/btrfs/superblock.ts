import type { ByteView } from '../../../core/index.ts';
import type { BlockSource } from '../../source/source.ts';
import { unsupported, view } from '../../trouble.ts';
import { openSum, type Sum } from './sums.ts';
import type { TreeRoot } from './tree.ts';

export const SUPERBLOCK = 65536;
export const MAGIC = '_BHRfS_M';
const SIZE = 4096;
const CHUNKS = 0x32b;
const LARGEST_CHUNK_ARRAY = 2048;

const INCOMPAT = [
  ...['mixed_backref', 'default_subvol', 'mixed_groups', 'compress_lzo', 'compress_zstd', 'big_metadata'],
  ...['extended_iref', 'raid56', 'skinny_metadata', 'no_holes', 'metadata_uuid', 'raid1c34', 'zoned', 'extent_tree_v2'],
  ...['raid_stripe_tree', 'unknown_15', 'simple_quota'],
] as const;
/** Feature bits that change nothing for who reads: all but RAID 5 and 6, extent tree v2 and stripe trees. */
const READABLE = 0b1_0001_1111_0111_1111;

export interface Superblock {
  size: number;
  used: number;
  /** Grows with every change: the device with most is right. */
  generation: number;
  /** Logical address of the root of trees, its level. */
  root: TreeRoot;
  chunks: TreeRoot;
  nodeSize: number;
  sectorSize: number;
  devices: number;
  device: number;
  /** Whether a log of synchronised files was left. */
  log: boolean;
  sum: Sum;
  uuid: Buffer;
  /** What metadata blocks carry; another than {@link uuid} after a change of it. */
  metadataUuid: Buffer;
  label: string;
  features: string[];
  /** Chunks that hold the tree of chunks. */
  bootstrap: ByteView;
}

/** The checksum of a block, over all behind its first 32 bytes. */
export function isSumRight(sum: Sum, bytes: Buffer): boolean {
  return sum.of(bytes.subarray(32)).equals(bytes.subarray(0, sum.size));
}

/** @throws GvmError `corrupt`, `unsupported` */
export async function readSuperblock(source: BlockSource, signal?: AbortSignal): Promise<Superblock> {
  const sb = view(await source.read(SUPERBLOCK, SIZE, signal), 'Btrfs superblock', SUPERBLOCK);
  if (sb.latin1(64, 8) !== MAGIC) throw sb.corrupt(64, 'the magic number _BHRfS_M is missing');
  const sum = await openSum(sb.u16le(196));
  if (!isSumRight(sum, sb.bytes)) throw sb.corrupt(0, 'the checksum of the superblock is wrong');
  const incompat = Number(sb.big64le(188) & 0xffffffffn);
  const unread = incompat & ~READABLE;
  const names = (word: number) =>
    Array.from({ length: 32 }, (_, bit) => bit)
      .filter((bit) => word & (2 ** bit))
      .map((bit) => INCOMPAT[bit] ?? `unknown_${bit}`);
  if (unread !== 0) throw unsupported('Btrfs file system', `the feature ${names(unread).join(', ')}`);
  const [sectorSize, nodeSize] = [sb.u32le(144), sb.u32le(148)];
  const power = (n: number) => n > 0 && (n & (n - 1)) === 0;
  if (!power(sectorSize) || sectorSize < 512 || sectorSize > 65536)
    throw sb.corrupt(144, `sectors of ${sectorSize} bytes`);
  if (!power(nodeSize) || nodeSize < sectorSize || nodeSize > 65536)
    throw sb.corrupt(148, `nodes of ${nodeSize} bytes`);
  const array = sb.u32le(160);
  if (array > LARGEST_CHUNK_ARRAY) throw sb.corrupt(160, `a chunk array of ${array} bytes`);
  const uuid = Buffer.from(sb.slice(32, 16));
  return {
    size: sb.u64le(112),
    used: sb.u64le(120),
    generation: sb.u64le(72),
    root: { address: sb.u64le(80), level: sb.u8(198), generation: sb.u64le(72) },
    chunks: { address: sb.u64le(88), level: sb.u8(199), generation: sb.u64le(164) },
    nodeSize,
    sectorSize,
    devices: sb.u64le(136),
    device: sb.u64le(201),
    log: sb.big64le(96) !== 0n,
    sum,
    uuid,
    metadataUuid: incompat & 0x400 ? Buffer.from(sb.slice(0x23b, 16)) : uuid,
    label: sb.slice(299, 256).toString('utf8').split('\0', 1)[0] ?? '',
    features: names(incompat),
    bootstrap: sb.view(CHUNKS, array, 'Btrfs chunk array'),
  };
}
