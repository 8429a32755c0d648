import type { ByteView } from '../../../core/index.ts';
import { view } from '../../trouble.ts';
import type { NodeType } from '../file-system.ts';
import { isDots, isName } from '../node.ts';
import { FORMAT, type Inode } from './inode.ts';
import { forkRuns, readFork } from './map.ts';
import type { XfsVolume } from './volume.ts';

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
/** Behind this offset of a directory come its hash index and its list of free space. */
const DATA_END = 2 ** 35;
const FREE = 0xffff;

/** The entries of a directory in each of its forms; the hash index is not needed to read them all. */
export async function* directoryEntries(
  volume: XfsVolume,
  inode: Inode,
  signal?: AbortSignal,
): AsyncGenerator<RawEntry> {
  if (inode.data.format === FORMAT.local) {
    yield* shortEntries(volume, inode);
    return;
  }
  const { blockSize, directoryBlock, blocks } = volume.sb;
  if (inode.stat.size > blocks * blockSize)
    throw inode.data.bytes.corrupt(0, `a directory of ${inode.stat.size} bytes`);
  const perBlock = directoryBlock / blockSize;
  let next = 0;
  for await (const run of forkRuns(volume, inode.ino, inode.data, 0, DATA_END / blockSize, signal)) {
    const last = Math.ceil((run.logical + run.count) / perBlock);
    // A directory block may lie in several runs; it is read when the first of them is met.
    for (let index = Math.max(next, Math.floor(run.logical / perBlock)); index < last; index++) {
      const place = run.offset + (index * perBlock - run.logical) * blockSize;
      const whole = index * perBlock >= run.logical && (index + 1) * perBlock <= run.logical + run.count;
      const bytes = whole
        ? await volume.source.read(place, directoryBlock, signal)
        : await readFork(volume, inode.ino, inode.data, index * directoryBlock, directoryBlock, signal);
      const block = view(bytes, `directory inode ${inode.ino}`, Math.max(0, place));
      yield* blockEntries(volume, inode, block, whole);
    }
    next = Math.max(next, last);
  }
}

function* blockEntries(volume: XfsVolume, inode: Inode, block: ByteView, contiguous: boolean): Generator<RawEntry> {
  const v5 = volume.sb.version === 5;
  const magic = block.latin1(0, 4);
  const single = magic === (v5 ? 'XDB3' : 'XD2B');
  if (!single && magic !== (v5 ? 'XDD3' : 'XD2D')) throw block.corrupt(0, 'this is no block of a directory');
  volume.checkBlock(block, { sum: 4, owner: 40, ino: inode.ino, ...(contiguous ? { place: 8 } : {}) });
  // A directory of one block has its hash index at the block's end.
  const index = single ? block.u32be(block.length - 8) : 0;
  const end = single ? block.length - 8 - index * 8 : block.length;
  for (let at = v5 ? 64 : 16; at < end; ) {
    if (block.u16be(at) === FREE) {
      const length = block.u16be(at + 2);
      if (length === 0 || length % 8 !== 0) throw block.corrupt(at + 2, `free space of ${length} bytes`);
      at += length;
      continue;
    }
    const nameLength = block.u8(at + 8);
    const size = Math.ceil((9 + nameLength + (volume.sb.fileTypes ? 1 : 0) + 2) / 8) * 8;
    if (at + size > end) throw block.corrupt(at, `an entry of ${size} bytes where ${end - at} are left`);
    yield* entry(volume, block, { ino: block.u64be(at), name: at + 9, length: nameLength, type: at + 9 + nameLength });
    at += size;
  }
}

function* shortEntries(volume: XfsVolume, inode: Inode): Generator<RawEntry> {
  const fork = inode.data.bytes;
  if (inode.stat.size > fork.length) throw fork.corrupt(0, `a short directory of ${inode.stat.size} bytes`);
  const wide = fork.u8(1) > 0;
  const count = fork.u8(0);
  let at = 2 + (wide ? 8 : 4);
  for (let i = 0; i < count; i++) {
    const nameLength = fork.u8(at);
    const type = at + 3 + nameLength;
    const number = type + (volume.sb.fileTypes ? 1 : 0);
    const ino = wide ? fork.u64be(number) : fork.u32be(number);
    yield* entry(volume, fork, { ino, name: at + 3, length: nameLength, type });
    at = number + (wide ? 8 : 4);
  }
}

function* entry(
  volume: XfsVolume,
  from: ByteView,
  place: { ino: number; name: number; length: number; type: number },
): Generator<RawEntry> {
  const name = from.slice(place.name, place.length);
  if (isDots(name)) return;
  if (!isName(name)) throw from.corrupt(place.name, 'a name that no file can have');
  const type = volume.sb.fileTypes ? FILE_TYPES[from.u8(place.type)] : undefined;
  yield { name: Buffer.from(name), ino: place.ino, type };
}
