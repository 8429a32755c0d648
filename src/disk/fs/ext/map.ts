import { type ByteView, crc32c } from '../../../core/index.ts';
import { RO_COMPAT } from './features.ts';
import { INODE_FLAG, type Inode } from './inode.ts';
import type { ExtVolume } from './volume.ts';

/** Consecutive blocks of a file. */
export interface Run {
  /** First block within the file. */
  logical: number;
  count: number;
  /** First block on the disk; undefined in a hole. */
  physical: number | undefined;
  /** Allocated, but never written: reads as zeros. */
  unwritten: boolean;
}

const EXTENT_MAGIC = 0xf30a;
const DEEPEST = 5;
const LONGEST_WRITTEN = 32768;

/**
 * The runs of a file from block `from` up to and without `to`, in order and without gaps.
 * @throws GvmError `corrupt`
 */
export async function* fileRuns(
  volume: ExtVolume,
  inode: Inode,
  from: number,
  to: number,
  signal?: AbortSignal,
): AsyncGenerator<Run> {
  // However a hostile map loops, it is left after as many steps as the file system has blocks.
  const steps = { left: volume.sb.blocks };
  const mapped =
    inode.flags & INODE_FLAG.extents
      ? extents(volume, inode, inode.block, undefined, { from, to, begin: 0, end: 2 ** 32, steps }, signal)
      : indirect(volume, inode, { from, to, steps }, signal);
  let at = from;
  for await (const run of mapped) {
    if (run.logical > at) yield { logical: at, count: run.logical - at, physical: undefined, unwritten: false };
    yield run;
    at = run.logical + run.count;
  }
  if (at < to) yield { logical: at, count: to - at, physical: undefined, unwritten: false };
}

interface Window {
  from: number;
  to: number;
  /** The blocks that belong to this node. */
  begin: number;
  end: number;
  steps: { left: number };
}

function step(steps: { left: number }, node: ByteView): void {
  if (--steps.left < 0) throw node.corrupt(0, 'the map of the file has more nodes than the file system has blocks');
}

/** The extents of a node and of those below it that meet the window. */
async function* extents(
  volume: ExtVolume,
  inode: Inode,
  node: ByteView,
  depthWanted: number | undefined,
  window: Window,
  signal: AbortSignal | undefined,
): AsyncGenerator<Run> {
  const [entries, max, depth] = [node.u16le(2), node.u16le(4), node.u16le(6)];
  if (node.u16le(0) !== EXTENT_MAGIC) throw node.corrupt(0, 'the magic number F30A of an extent node is missing');
  if (depth > DEEPEST || (depthWanted !== undefined && depth !== depthWanted)) {
    throw node.corrupt(6, `an extent node of depth ${depth} where ${depthWanted ?? `at most ${DEEPEST}`} is expected`);
  }
  if (entries > max || 12 + max * 12 > node.length) throw node.corrupt(2, `${entries} of ${max} extents`);
  let least = window.begin;
  for (let index = 0; index < entries; index++) {
    const at = 12 + index * 12;
    const logical = node.u32le(at);
    if (logical < least) throw node.corrupt(at, `extent ${index} begins at block ${logical}, before ${least}`);
    if (depth === 0) {
      const written = node.u16le(at + 4) <= LONGEST_WRITTEN;
      const count = written ? node.u16le(at + 4) : node.u16le(at + 4) - LONGEST_WRITTEN;
      const physical = node.u32le(at + 8) + node.u16le(at + 6) * 2 ** 32;
      if (count === 0) throw node.corrupt(at + 4, `extent ${index} is empty`);
      volume.checkBlocks(node, at + 8, physical, count);
      least = logical + count;
      const [first, last] = [Math.max(logical, window.from), Math.min(logical + count, window.to, window.end)];
      if (first >= last) continue;
      yield { logical: first, count: last - first, physical: physical + first - logical, unwritten: !written };
      continue;
    }
    least = logical + 1;
    const end = index + 1 < entries ? node.u32le(at + 12) : window.end;
    if (end <= window.from || logical >= window.to) continue;
    const block = node.u32le(at + 4) + node.u16le(at + 8) * 2 ** 32;
    volume.checkBlocks(node, at + 4, block, 1);
    step(window.steps, node);
    const child = await volume.block(block, `extent node of inode ${inode.stat.ino}`, signal);
    checkNode(volume, inode, child);
    const inner = { ...window, begin: logical, end: Math.min(end, window.end) };
    yield* extents(volume, inode, child, depth - 1, inner, signal);
  }
}

function checkNode(volume: ExtVolume, inode: Inode, node: ByteView): void {
  if (!volume.verify || !(volume.sb.roCompat & RO_COMPAT.metadata_csum)) return;
  const tail = 12 + node.u16le(4) * 12;
  if (crc32c(inode.seed, node.slice(0, tail)) !== node.u32le(tail)) {
    throw node.corrupt(tail, 'the checksum of the extent node is wrong');
  }
}

/** The map of ext2: twelve blocks, then trees of one, two and three levels. */
async function* indirect(
  volume: ExtVolume,
  inode: Inode,
  { from, to, steps }: Pick<Window, 'from' | 'to' | 'steps'>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Run> {
  const perBlock = volume.sb.blockSize / 4;
  let run: Run | undefined;
  for await (const { logical, physical } of pointers()) {
    if (run?.physical !== undefined && run.physical + run.count === physical && run.logical + run.count === logical) {
      run.count++;
      continue;
    }
    if (run) yield run;
    run = { logical, count: 1, physical, unwritten: false };
  }
  if (run) yield run;

  async function* pointers(): AsyncGenerator<{ logical: number; physical: number }> {
    yield* level(inode.block.view(0, 48), 0, 0);
    let base = 12;
    for (let depth = 1; depth <= 3; depth++) {
      const span = perBlock ** depth;
      if (base < to && base + span > from) yield* level(inode.block.view(44 + depth * 4, 4), depth, base);
      base += span;
    }
  }

  async function* level(
    table: ByteView,
    depth: number,
    base: number,
  ): AsyncGenerator<{ logical: number; physical: number }> {
    const span = perBlock ** depth;
    const first = Math.max(0, Math.floor((from - base) / span));
    for (let index = first; index < table.length / 4; index++) {
      const logical = base + index * span;
      if (logical >= to) return;
      const physical = table.u32le(index * 4);
      if (physical === 0) continue;
      volume.checkBlocks(table, index * 4, physical, 1);
      step(steps, table);
      if (depth === 0) yield { logical, physical };
      else
        yield* level(await volume.block(physical, `block map of inode ${inode.stat.ino}`, signal), depth - 1, logical);
    }
  }
}
