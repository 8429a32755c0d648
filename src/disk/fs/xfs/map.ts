import type { ByteView } from '../../../core/index.ts';
import { FORMAT, type Fork } from './inode.ts';
import type { XfsVolume } from './volume.ts';

/** Consecutive blocks of a fork. */
export interface Run {
  /** First block within the fork. */
  logical: number;
  count: number;
  /** Bytes from the beginning of the file system. */
  offset: number;
  /** Allocated, but never written: reads as zeros. */
  unwritten: boolean;
}

const DEEPEST = 9;

/**
 * The mapped runs of a fork that meet blocks `from` up to and without `to`, in order; holes are left out.
 * @throws GvmError `corrupt`
 */
export async function* forkRuns(
  volume: XfsVolume,
  ino: number,
  fork: Fork,
  from: number,
  to: number,
  signal?: AbortSignal,
): AsyncGenerator<Run> {
  let least = 0;
  const window = { from, to };
  if (fork.format === FORMAT.extents) {
    if (fork.extents * 16 > fork.bytes.length)
      throw fork.bytes.corrupt(0, `${fork.extents} extents in ${fork.bytes.length} bytes`);
    yield* records(fork.bytes, 0, fork.extents);
    return;
  }
  if (fork.format !== FORMAT.btree) throw fork.bytes.corrupt(0, `a fork of format ${fork.format} has no blocks`);
  const root = fork.bytes;
  const [level, count] = [root.u16be(0), root.u16be(2)];
  const most = Math.floor((root.length - 4) / 16);
  if (level === 0 || level > DEEPEST || count === 0 || count > most)
    throw root.corrupt(0, `a map of ${level} levels with ${count} entries`);
  // However a hostile map loops, it is left after as many nodes as the file system has blocks.
  let nodes = volume.sb.blocks;
  yield* children(root, 4, 4 + most * 8, count, level);

  async function* children(
    node: ByteView,
    keys: number,
    pointers: number,
    entries: number,
    depth: number,
  ): AsyncGenerator<Run> {
    for (let i = 0; i < entries; i++) {
      if (node.u64be(keys + i * 8) >= window.to) return;
      if (i + 1 < entries && node.u64be(keys + (i + 1) * 8) <= window.from) continue;
      if (--nodes < 0) throw node.corrupt(0, 'the map has more nodes than the file system has blocks');
      const place = volume.offsetOf(node.u64be(pointers + i * 8), 1, node, pointers + i * 8);
      yield* below(await volume.read(place, volume.sb.blockSize, `map of XFS inode ${ino}`, signal), depth - 1);
    }
  }

  async function* below(block: ByteView, depth: number): AsyncGenerator<Run> {
    const v5 = volume.sb.version === 5;
    if (block.latin1(0, 4) !== (v5 ? 'BMA3' : 'BMAP')) throw block.corrupt(0, 'this is no node of a map');
    volume.checkBlock(block, { sum: 64, place: 24, owner: 56, ino });
    const head = v5 ? 72 : 24;
    const most = Math.floor((block.length - head) / 16);
    const entries = block.u16be(6);
    if (block.u16be(4) !== depth || entries > most)
      throw block.corrupt(4, `level ${block.u16be(4)} with ${entries} entries`);
    if (depth === 0) yield* records(block, head, entries);
    else yield* children(block, head, head + most * 8, entries, depth);
  }

  function* records(list: ByteView, start: number, entries: number): Generator<Run> {
    for (let i = 0; i < entries; i++) {
      const at = start + i * 16;
      const [high, low] = [list.big64be(at), list.big64be(at + 8)];
      const logical = Number((high >> 9n) & ((1n << 54n) - 1n));
      const block = Number(((high & 0x1ffn) << 43n) | (low >> 21n));
      const length = Number(low & 0x1fffffn);
      if (length === 0 || logical < least) throw list.corrupt(at, `extent ${i} at ${logical} with ${length} blocks`);
      least = logical + length;
      const offset = volume.offsetOf(block, length, list, at);
      const [first, last] = [Math.max(logical, window.from), Math.min(logical + length, window.to)];
      if (first >= last) continue;
      const unwritten = high >> 63n !== 0n;
      yield {
        logical: first,
        count: last - first,
        offset: offset + (first - logical) * volume.sb.blockSize,
        unwritten,
      };
    }
  }
}

/** Bytes of a fork; holes are zeros. */
export async function readFork(
  volume: XfsVolume,
  ino: number,
  fork: Fork,
  offset: number,
  length: number,
  signal?: AbortSignal,
): Promise<Buffer> {
  const { blockSize } = volume.sb;
  const end = offset + length;
  const parts: Buffer[] = [];
  let at = offset;
  for await (const run of forkRuns(
    volume,
    ino,
    fork,
    Math.floor(offset / blockSize),
    Math.ceil(end / blockSize),
    signal,
  )) {
    const start = Math.max(at, run.logical * blockSize);
    const stop = Math.min(end, (run.logical + run.count) * blockSize);
    if (start > at) parts.push(Buffer.alloc(start - at));
    if (run.unwritten) parts.push(Buffer.alloc(stop - start));
    else parts.push(await volume.source.read(run.offset + start - run.logical * blockSize, stop - start, signal));
    at = stop;
  }
  if (at < end) parts.push(Buffer.alloc(end - at));
  return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
}
