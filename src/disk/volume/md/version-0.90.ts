// Reads: superblocks of version 0.90, 64 to 128 KiB before the end of the device, little-endian.
// Specification: struct mdp_superblock_s in include/uapi/linux/raid/md_p.h of Linux.
// Does not read: superblocks that a big-endian machine wrote, arrays whose shape is being changed (refused by name).
import type { ByteView } from '../../../core/index.ts';
import type { BlockSource } from '../../source/source.ts';
import { unsupported } from '../../trouble.ts';
import type { MdHead } from './head.ts';
import { zonesOf } from './version-1.ts';

const WORDS = 1024;
const SUM = 38;
const DISKS = 128;
const DISK_WORDS = 32;
const MOST_DISKS = 27;
const THIS_DISK = 992;
const FAULTY = 1;
const IN_SYNC = 4;
const CLEAN = 1;

/** @throws GvmError `corrupt`, `unsupported` */
export function readVersion090(sb: ByteView, source: BlockSource): MdHead {
  const word = (index: number) => sb.u32le(index * 4);
  const minor = word(2);
  if (minor === 91) throw unsupported('MD array', 'an array whose shape is being changed (reshape)');
  if (minor !== 90) throw sb.corrupt(8, `version 0.${minor}`);
  let sum = 0;
  for (let index = 0; index < WORDS; index++) if (index !== SUM) sum += word(index);
  if (((sum % 2 ** 32) + Math.floor(sum / 2 ** 32)) >>> 0 !== word(SUM))
    throw sb.corrupt(SUM * 4, 'its checksum is wrong');
  const roles = Array.from({ length: MOST_DISKS }, (_, number) => {
    const entry = DISKS + number * DISK_WORDS;
    return (word(entry + 4) & (FAULTY | IN_SYNC)) === IN_SYNC ? word(entry + 3) : undefined;
  });
  const uuid = [5, 13, 14, 15].map((index) => word(index).toString(16).padStart(8, '0')).join('');
  const level = sb.i32le(7 * 4);
  return {
    version: '0.90',
    uuid,
    name: `md${word(11) & 0xffff}`,
    level,
    layout: sb.i32le(64 * 4),
    chunk: word(65),
    devices: word(10),
    used: level > 0 ? word(8) * 1024 : 0,
    dataStart: 0,
    dataSize: Math.min(sb.place.offset, source.size),
    number: word(THIS_DISK),
    roles,
    events: sb.u64le(39 * 4),
    filled: true,
    resyncing: level > 0 && !(word(33) & CLEAN),
    badBlocks: false,
    zones: zonesOf(sb.i32le(64 * 4)),
    place: sb.place.offset,
  };
}
