import { type Decompressor, decompressors } from '../../codec/decompress.ts';
import type { BlockSource } from '../../source/source.ts';
import { unsupported, view } from '../../trouble.ts';

export const MAGIC = 0x73717368;
const NONE = 0xffffffffffffffffn;

const COMPRESSIONS: Readonly<Record<number, { name: string; decode: Decompressor }>> = {
  1: { name: 'gzip', decode: decompressors.zlib },
  2: { name: 'lzma', decode: decompressors.lzma },
  3: { name: 'lzo', decode: decompressors.lzo },
  4: { name: 'xz', decode: decompressors.xz },
  5: { name: 'lz4', decode: decompressors.lz4 },
  6: { name: 'zstd', decode: decompressors.zstd },
};

export interface Superblock {
  inodes: number;
  blockSize: number;
  fragments: number;
  ids: number;
  compression: string;
  decode: Decompressor;
  /** Where the root's inode stands: block in the upper bits, offset in the lower 16. */
  root: number;
  bytesUsed: number;
  idTable: number;
  xattrTable: number | undefined;
  inodeTable: number;
  directoryTable: number;
  fragmentTable: number | undefined;
}

/** @throws GvmError `corrupt`, `unsupported` */
export async function readSuperblock(source: BlockSource, signal?: AbortSignal): Promise<Superblock> {
  const sb = view(await source.read(0, 96, signal), 'squashfs superblock', 0);
  if (sb.u32le(0) !== MAGIC) throw sb.corrupt(0, 'the magic number hsqs is missing');
  if (sb.u16le(28) !== 4 || sb.u16le(30) !== 0) {
    throw unsupported('squashfs file system', `squashfs ${sb.u16le(28)}.${sb.u16le(30)}`);
  }
  const compression = COMPRESSIONS[sb.u16le(20)];
  if (!compression) throw unsupported('squashfs file system', `compression number ${sb.u16le(20)}`);
  const blockSize = sb.u32le(12);
  if (blockSize < 4096 || blockSize > 2 ** 20 || blockSize !== 2 ** sb.u16le(22)) {
    throw sb.corrupt(12, `blocks of ${blockSize} bytes (2^${sb.u16le(22)})`);
  }
  const bytesUsed = sb.u64le(40);
  if (bytesUsed > source.size)
    throw sb.corrupt(40, `the file system has ${bytesUsed} bytes, its source ${source.size}`);
  const place = (at: number): number => {
    const offset = sb.u64le(at);
    if (offset < 96 || offset >= bytesUsed) throw sb.corrupt(at, `a table at ${offset} of ${bytesUsed}`);
    return offset;
  };
  const optional = (at: number) => (sb.big64le(at) === NONE ? undefined : place(at));
  return {
    inodes: sb.u32le(4),
    blockSize,
    fragments: sb.u32le(16),
    ids: sb.u16le(26),
    compression: compression.name,
    decode: compression.decode,
    root: sb.u64le(32),
    bytesUsed,
    idTable: place(48),
    xattrTable: optional(56),
    inodeTable: place(64),
    directoryTable: place(72),
    fragmentTable: optional(80),
  };
}
