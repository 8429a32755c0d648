import type { ByteView } from '../../../core/index.ts';
import { type NodeStat, type Timestamp, typeOfMode } from '../file-system.ts';
import type { XfsVolume } from './volume.ts';

export const FORMAT = { device: 0, local: 1, extents: 2, btree: 3 } as const;
const FLAGS2 = { bigtime: 1n << 3n, nrext64: 1n << 4n };
const BIGTIME_EPOCH = 2 ** 31;

/** One of the two forks of an inode: its content or its attributes. */
export interface Fork {
  format: number;
  bytes: ByteView;
  /** Number of extents, for {@link FORMAT.extents}. */
  extents: number;
}

export interface Inode {
  ino: number;
  stat: NodeStat;
  data: Fork;
  attributes: Fork | undefined;
}

/** @throws GvmError `corrupt` */
export async function readInode(volume: XfsVolume, ino: number, signal?: AbortSignal): Promise<Inode> {
  const { sb } = volume;
  const raw = await volume.read(volume.inodeOffset(ino), sb.inodeSize, `XFS inode ${ino}`, signal);
  if (raw.u16be(0) !== 0x494e) throw raw.corrupt(0, 'the magic number IN is missing');
  const version = raw.u8(4);
  if (version < 1 || version > 3 || (version === 3) !== (sb.version === 5))
    throw raw.corrupt(4, `an inode of version ${version}`);
  if (version === 3) {
    volume.checkBlock(raw, { sum: 100 });
    if (raw.u64be(152) !== ino) throw raw.corrupt(152, `it says that it is inode ${raw.u64be(152)}`);
  }
  const word = raw.u16be(2);
  const type = typeOfMode(word);
  if (type === 'unknown')
    throw raw.corrupt(2, word === 0 ? 'the inode is not in use' : `the mode is 0${word.toString(8)}`);
  const flags2 = version === 3 ? raw.big64be(120) : 0n;
  const time = (at: number) => (flags2 & FLAGS2.bigtime ? bigTime(raw, at) : smallTime(raw, at));
  const core = version === 3 ? 176 : 100;
  const forkOffset = raw.u8(82) * 8;
  const space = sb.inodeSize - core;
  if (forkOffset >= space) throw raw.corrupt(82, `the fork of attributes begins ${forkOffset} bytes behind the core`);
  const large = (flags2 & FLAGS2.nrext64) !== 0n;
  const fork = (from: number, length: number, format: number, extents: number): Fork => ({
    format,
    bytes: raw.view(core + from, length, `fork of XFS inode ${ino}`),
    extents,
  });
  const data = fork(0, forkOffset || space, raw.u8(5), large ? raw.u64be(24) : raw.u32be(76));
  const special = type === 'block' || type === 'character';
  const device = special ? data.bytes.u32be(0) : 0;
  return {
    ino,
    stat: {
      ino,
      type,
      mode: word & 0o7777,
      uid: raw.u32be(8),
      gid: raw.u32be(12),
      nlink: version === 1 ? raw.u16be(6) : raw.u32be(16),
      size: type === 'file' || type === 'directory' || type === 'symlink' ? raw.u64be(56) : 0,
      allocated: raw.u64be(64) * sb.blockSize,
      atime: time(32),
      mtime: time(40),
      ctime: time(48),
      btime: version === 3 ? time(144) : undefined,
      device: special ? { major: (device >>> 18) & 0x3fff, minor: device & 0x3ffff } : undefined,
    },
    data,
    attributes:
      forkOffset === 0
        ? undefined
        : fork(forkOffset, space - forkOffset, raw.u8(83), large ? raw.u32be(76) : raw.u16be(80)),
  };
}

function smallTime(raw: ByteView, at: number): Timestamp {
  return { seconds: raw.i32be(at), nanoseconds: Math.min(raw.u32be(at + 4), 999_999_999) };
}

/** Nanoseconds since the earliest second that 32 bits could name. */
function bigTime(raw: ByteView, at: number): Timestamp {
  const value = raw.big64be(at);
  return { seconds: Number(value / 1_000_000_000n) - BIGTIME_EPOCH, nanoseconds: Number(value % 1_000_000_000n) };
}
