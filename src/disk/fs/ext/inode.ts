import { type ByteView, crc32c } from '../../../core/index.ts';
import { deviceOf, type NodeStat, type Timestamp, typeOfMode } from '../file-system.ts';
import { INCOMPAT, RO_COMPAT } from './features.ts';
import type { Superblock } from './superblock.ts';

export const INODE_FLAG = {
  encrypted: 0x800,
  index: 0x1000,
  hugeFile: 0x40000,
  extents: 0x80000,
  eaInode: 0x200000,
  inlineData: 0x10000000,
} as const;

export interface Inode {
  stat: NodeStat;
  flags: number;
  /** The 60 bytes of i_block: a block map, a short symbolic link, or data. */
  block: ByteView;
  /** What follows the fixed fields: extended attributes. */
  body: ByteView | undefined;
  /** Block with more extended attributes, or 0. */
  xattrBlock: number;
  /** Seed of the checksums of what belongs to this inode. */
  seed: number;
}

/** @throws GvmError `corrupt` for a wrong checksum, a free inode, or sizes that cannot be */
export function parseInode(sb: Superblock, ino: number, raw: ByteView, verify: boolean): Inode {
  const extra = sb.inodeSize > 128 ? raw.u16le(128) : 0;
  if (extra > sb.inodeSize - 128 || extra % 4 !== 0) throw raw.corrupt(128, `${extra} bytes of extra fields`);
  const seed = inodeSeed(sb, ino, raw);
  if (verify && sb.roCompat & RO_COMPAT.metadata_csum) checkSum(raw, extra, seed);
  const word = raw.u16le(0);
  const type = typeOfMode(word);
  if (type === 'unknown') {
    throw raw.corrupt(0, word === 0 ? 'the inode is not in use' : `the mode is 0${word.toString(8)}`);
  }
  const flags = raw.u32le(32);
  const high = type === 'file' || sb.incompat & INCOMPAT.large_dir ? raw.u32le(108) : 0;
  const size = raw.u32le(4) + high * 2 ** 32;
  if (!Number.isSafeInteger(size)) throw raw.corrupt(108, `a size of ${size} bytes`);
  const block = raw.view(40, 60, `i_block of inode ${ino}`);
  const device = type === 'block' || type === 'character' ? deviceIn(block) : undefined;
  const has = (end: number) => 128 + extra >= end;
  const time = (at: number, more: number): Timestamp => timestamp(raw.i32le(at), has(more + 4) ? raw.u32le(more) : 0);
  return {
    stat: {
      ino,
      type,
      mode: word & 0o7777,
      uid: raw.u16le(2) + raw.u16le(120) * 2 ** 16,
      gid: raw.u16le(24) + raw.u16le(122) * 2 ** 16,
      nlink: raw.u16le(26),
      size,
      allocated: allocated(sb, raw, flags),
      atime: time(8, 140),
      ctime: time(12, 132),
      mtime: time(16, 136),
      btime: has(148) ? time(144, 148) : undefined,
      device,
    },
    flags,
    block,
    body: sb.inodeSize > 128 ? raw.view(128 + extra, sb.inodeSize - 128 - extra, `xattrs in inode ${ino}`) : undefined,
    xattrBlock: raw.u32le(104) + raw.u16le(118) * 2 ** 32,
    seed,
  };
}

function inodeSeed(sb: Superblock, ino: number, raw: ByteView): number {
  const number = Buffer.alloc(4);
  number.writeUInt32LE(ino);
  return crc32c(crc32c(sb.seed, number), raw.slice(100, 4));
}

/** The sum is over the inode with its two halves of the sum as zeros. */
function checkSum(raw: ByteView, extra: number, seed: number): void {
  const whole = extra >= 4;
  const copy = Buffer.from(raw.bytes);
  copy.writeUInt16LE(0, 124);
  if (whole) copy.writeUInt16LE(0, 130);
  const sum = crc32c(seed, copy);
  const found = raw.u16le(124) + (whole ? raw.u16le(130) * 2 ** 16 : 0);
  if (found !== (whole ? sum : sum & 0xffff)) throw raw.corrupt(124, 'the checksum of the inode is wrong');
}

/** Seconds have two more bits in the extra word, for times after 2038; the rest of it are nanoseconds. */
function timestamp(seconds: number, extra: number): Timestamp {
  return { seconds: seconds + (extra & 3) * 2 ** 32, nanoseconds: Math.min(extra >>> 2, 999_999_999) };
}

function allocated(sb: Superblock, raw: ByteView, flags: number): number {
  const huge = (sb.roCompat & RO_COMPAT.huge_file) !== 0;
  const count = raw.u32le(28) + (huge ? raw.u16le(116) * 2 ** 32 : 0);
  return count * (huge && flags & INODE_FLAG.hugeFile ? sb.blockSize : 512);
}

/** Small numbers stand in the first word as the old 16 bits, others in the second. */
function deviceIn(block: ByteView): { major: number; minor: number } {
  const old = block.u32le(0);
  return old !== 0 ? { major: (old >>> 8) & 0xff, minor: old & 0xff } : deviceOf(block.u32le(4));
}
