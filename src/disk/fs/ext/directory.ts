import { type ByteView, crc32c } from '../../../core/index.ts';
import type { NodeType } from '../file-system.ts';
import { isDots, isName } from '../node.ts';
import { INCOMPAT, RO_COMPAT } from './features.ts';
import { INODE_FLAG, type Inode } from './inode.ts';
import type { ExtVolume } from './volume.ts';

export interface RawEntry {
  name: Buffer;
  ino: number;
  type: NodeType | undefined;
}

const FILE_TYPES: (NodeType | undefined)[] = [
  undefined,
  'file',
  'directory',
  'character',
  'block',
  'fifo',
  'socket',
  'symlink',
];
const TAIL = 12;
const TAIL_TYPE = 0xde;

/** The entries of one block of a directory, without `.`, `..`, free ones and the nodes of its hash tree. */
export function* blockEntries(volume: ExtVolume, inode: Inode, block: ByteView, index: number): Generator<RawEntry> {
  const summed = (volume.sb.roCompat & RO_COMPAT.metadata_csum) !== 0;
  const hashed = (inode.flags & INODE_FLAG.index) !== 0;
  const node = hashed && (index === 0 || (block.u32le(0) === 0 && recordLength(block, 4) === block.length));
  if (summed && volume.verify) {
    if (node) checkHashNode(inode, block, index === 0 ? 32 : 8);
    else checkTail(inode, block);
  }
  // A node of the hash tree is written so that it reads as one free entry; the root has `.` and `..` before it.
  yield* entriesIn(volume, block);
}

/** The entries in a run of directory records. */
export function* entriesIn(volume: ExtVolume, records: ByteView): Generator<RawEntry> {
  const typed = (volume.sb.incompat & INCOMPAT.filetype) !== 0;
  for (let at = 0; at < records.length; ) {
    const length = recordLength(records, at + 4);
    const nameLength = typed ? records.u8(at + 6) : records.u16le(at + 6);
    if (length < 8 + nameLength || length % 4 !== 0 || at + length > records.length) {
      throw records.corrupt(at + 4, `a directory entry of ${length} bytes with a name of ${nameLength}`);
    }
    const ino = records.u32le(at);
    const name = records.slice(at + 8, nameLength);
    if (ino !== 0 && !isDots(name)) {
      if (!isName(name)) throw records.corrupt(at + 8, 'a name that no file can have');
      if (ino > volume.sb.inodes) throw records.corrupt(at, `an entry for inode ${ino} of ${volume.sb.inodes}`);
      yield { name: Buffer.from(name), ino, type: typed ? FILE_TYPES[records.u8(at + 7)] : undefined };
    }
    at += length;
  }
}

/** In blocks of 64 KiB a length that does not fit its 16 bits is written as 65535 or 0. */
function recordLength(records: ByteView, at: number): number {
  const length = records.u16le(at);
  return records.length >= 65536 && (length === 65535 || length === 0) ? records.length : length;
}

function checkTail(inode: Inode, block: ByteView): void {
  const at = block.length - TAIL;
  const isTail = block.u32le(at) === 0 && block.u16le(at + 4) === TAIL && block.u8(at + 7) === TAIL_TYPE;
  if (!isTail) throw block.corrupt(at, 'the directory block has no checksum');
  if (crc32c(inode.seed, block.slice(0, at)) !== block.u32le(at + 8)) {
    throw block.corrupt(at + 8, 'the checksum of the directory block is wrong');
  }
}

/** A hash node is summed over the entries in use, then over its tail with zeros for the sum. */
function checkHashNode(inode: Inode, block: ByteView, countAt: number): void {
  const [limit, count] = [block.u16le(countAt), block.u16le(countAt + 2)];
  const tail = countAt + limit * 8;
  if (count > limit || tail + 8 > block.length) throw block.corrupt(countAt, `${count} of ${limit} hash entries`);
  const entries = crc32c(inode.seed, block.slice(0, countAt + count * 8));
  if (crc32c(crc32c(entries, block.slice(tail, 4)), Buffer.alloc(4)) !== block.u32le(tail + 4)) {
    throw block.corrupt(tail + 4, 'the checksum of the hash node is wrong');
  }
}
