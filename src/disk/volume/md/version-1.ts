// Reads: superblocks of version 1.x, little-endian, at the beginning (1.1), 4 KiB behind it (1.2) or near the end (1.0).
// Specification: struct mdp_superblock_1 in include/uapi/linux/raid/md_p.h of Linux.
// Does not read: arrays whose shape is being changed, write journals (refused by name); write-intent bitmaps, which only say
// what to make alike again.
import type { ByteView } from '../../../core/index.ts';
import type { BlockSource } from '../../source/source.ts';
import { unsupported } from '../../trouble.ts';
import { arrayName, type MdHead, SECTOR } from './head.ts';

const RECOVERY_OFFSET = 2;
const RESHAPE = 4 | 32 | 64;
const BAD_BLOCKS = 8;
const JOURNAL = 512;
const RAID0_LAYOUT = 4096;
const KNOWN = 8191;
const MOST_ROLES = 1920;
const ROLES = 256;
const HIGHEST_ROLE = 0xfffd;
const NEVER = 2n ** 64n - 1n;

/** @throws GvmError `corrupt`, `unsupported` */
export function readVersion1(sb: ByteView, minor: number, source: BlockSource): MdHead {
  const most = sb.u32le(220);
  if (most > MOST_ROLES) throw sb.corrupt(220, `${most} devices`);
  if (sumOf(sb, ROLES + most * 2) !== sb.u32le(216)) throw sb.corrupt(216, 'its checksum is wrong');
  const features = sb.u32le(8);
  if (features & ~KNOWN) throw unsupported('MD array', `features 0x${((features & ~KNOWN) >>> 0).toString(16)}`);
  if (features & RESHAPE) throw unsupported('MD array', 'an array whose shape is being changed (reshape)');
  if (features & JOURNAL) throw unsupported('MD array', 'an array with a write journal');
  const roles = Array.from({ length: most }, (_, number) => {
    const role = sb.u16le(ROLES + number * 2);
    return role < HIGHEST_ROLE ? role : undefined;
  });
  const uuid = sb.slice(16, 16).toString('hex');
  // The name of the host that made it may stand before the name.
  const name = sb.latin1(32, 32).replace(/^[^:]*:/, '');
  const [dataStart, dataSize] = [sb.u64le(128) * SECTOR, sb.u64le(136) * SECTOR];
  if (dataStart + dataSize > source.size) throw sb.corrupt(128, `${dataSize} bytes of data from ${dataStart} on`);
  const layout = sb.i32le(76);
  const level = sb.i32le(72);
  return {
    version: `1.${minor}`,
    uuid,
    name: arrayName(name, uuid),
    level,
    layout,
    chunk: sb.u32le(88) * SECTOR,
    devices: sb.u32le(92),
    used: sb.u64le(80) * SECTOR,
    dataStart,
    dataSize,
    number: sb.u32le(160),
    roles,
    events: sb.u64le(200),
    filled: !(features & RECOVERY_OFFSET) || sb.big64le(152) === NEVER,
    resyncing: sb.big64le(208) !== NEVER && level > 0,
    badBlocks: (features & BAD_BLOCKS) !== 0,
    zones: features & RAID0_LAYOUT ? zonesOf(layout) : undefined,
    place: sb.place.offset,
  };
}

export function zonesOf(layout: number): MdHead['zones'] {
  return layout === 1 ? 'original' : layout === 2 ? 'alternate' : undefined;
}

/** The sum of all words, the carry added; the checksum itself counts as zero. */
function sumOf(sb: ByteView, length: number): number {
  let sum = 0;
  for (let at = 0; at + 4 <= length; at += 4) if (at !== 216) sum += sb.u32le(at);
  if (length % 4 !== 0) sum += sb.u16le(length - 2);
  return ((sum % 2 ** 32) + Math.floor(sum / 2 ** 32)) >>> 0;
}
