import type { ByteView } from '../../../core/index.ts';
import { isGvmError } from '../../../errors/index.ts';
import { view } from '../../trouble.ts';
import type { ChunkMap } from './chunks.ts';
import { isSumRight, type Superblock } from './superblock.ts';

const HEADER = 101;
const ITEM = 25;
const POINTER = 33;
const HIGHEST_LEVEL = 7;
const MOST_NODES = 64;

/** Kinds of items. */
export const ITEM_TYPE = {
  inode: 1,
  xattr: 24,
  directory: 84,
  directoryIndex: 96,
  extent: 108,
  sum: 128,
  root: 132,
  rootReference: 156,
  chunk: 228,
} as const;

/** Numbers of trees and objects beyond these are refused: names of inodes must stay exact numbers. */
export const HIGHEST_OBJECT = 2 ** 40;

export interface Key {
  object: bigint;
  type: number;
  offset: bigint;
}

export interface Item {
  key: Key;
  data: ByteView;
}

export interface TreeRoot {
  address: number;
  level: number;
  /** When it was written: a copy of another time is old. */
  generation: number;
}

/** The root of the tree with a number; undefined where there is none. @throws GvmError `corrupt` */
export async function treeRoot(
  trees: Trees,
  roots: TreeRoot,
  id: bigint,
  signal?: AbortSignal,
): Promise<TreeRoot | undefined> {
  const from: Key = { object: id, type: ITEM_TYPE.root, offset: 0n };
  const item = await trees.first(roots, from, { ...from, offset: 2n ** 64n - 1n }, signal);
  return item && { address: item.data.u64le(176), level: item.data.u8(238), generation: item.data.u64le(160) };
}

export function compareKeys(a: Key, b: Key): number {
  if (a.object !== b.object) return a.object < b.object ? -1 : 1;
  if (a.type !== b.type) return a.type - b.type;
  return a.offset === b.offset ? 0 : a.offset < b.offset ? -1 : 1;
}

export function keyAt(from: ByteView, at: number): Key {
  return { object: from.big64le(at), type: from.u8(at + 8), offset: from.big64le(at + 9) };
}

/** The trees of a Btrfs: each block checked by sum, place, file system and level. */
export class Trees {
  readonly sb: Superblock;
  readonly chunks: ChunkMap;
  readonly #nodes = new Map<number, ByteView>();

  constructor(sb: Superblock, chunks: ChunkMap) {
    this.sb = sb;
    this.chunks = chunks;
  }

  async #node({ address, level, generation }: TreeRoot, signal?: AbortSignal): Promise<ByteView> {
    const known = this.#nodes.get(address);
    const node = known ?? (await this.#read(address, generation, signal));
    if (node.u8(100) !== level) throw node.corrupt(100, `a node of level ${node.u8(100)} where ${level} is expected`);
    this.#nodes.delete(address);
    this.#nodes.set(address, node);
    for (const old of this.#nodes.keys()) {
      if (this.#nodes.size <= MOST_NODES) break;
      this.#nodes.delete(old);
    }
    return node;
  }

  /** The first copy of a node that is sound; the trouble of the first where none is. */
  async #read(address: number, generation: number, signal?: AbortSignal): Promise<ByteView> {
    const { nodeSize } = this.sb;
    const { length, copies } = this.chunks.run(address);
    let trouble: unknown;
    for (const { source, at } of copies) {
      const node = view(await source.read(at, Math.min(length, nodeSize), signal), 'Btrfs tree node', at);
      try {
        return this.#checked(node, address, generation);
      } catch (error) {
        if (!isGvmError(error)) throw error;
        trouble ??= error;
      }
    }
    throw trouble;
  }

  #checked(node: ByteView, address: number, generation: number): ByteView {
    const { nodeSize, sum, metadataUuid } = this.sb;
    if (node.length < nodeSize) throw node.corrupt(0, 'it does not lie in one piece');
    if (!isSumRight(sum, node.bytes)) throw node.corrupt(0, 'its checksum is wrong');
    if (!node.slice(32, 16).equals(metadataUuid)) throw node.corrupt(32, 'it belongs to another file system');
    if (node.u64le(48) !== address) throw node.corrupt(48, `it was written for the address ${node.u64le(48)}`);
    if (node.u64le(80) !== generation)
      throw node.corrupt(80, `it is of generation ${node.u64le(80)}, not ${generation}`);
    if (node.u8(100) > HIGHEST_LEVEL) throw node.corrupt(100, `a node of level ${node.u8(100)}`);
    return node;
  }

  /** The items from a key up to and with another, in order. */
  async *items(root: TreeRoot, from: Key, to: Key, signal?: AbortSignal): AsyncGenerator<Item> {
    yield* this.#below(root, from, to, signal);
  }

  async *#below(root: TreeRoot, from: Key, to: Key, signal?: AbortSignal): AsyncGenerator<Item> {
    const node = await this.#node(root, signal);
    const { level } = root;
    const count = node.u32le(96);
    const size = level === 0 ? ITEM : POINTER;
    if (HEADER + count * size > node.length) throw node.corrupt(96, `${count} entries in a node of level ${level}`);
    let before: Key | undefined;
    for (let i = firstIndex(node, count, size, from); i < count; i++) {
      const at = HEADER + i * size;
      const key = keyAt(node, at);
      if (before && compareKeys(key, before) <= 0) throw node.corrupt(at, 'its keys do not ascend');
      before = key;
      if (compareKeys(key, to) > 0) return;
      if (level === 0) {
        if (compareKeys(key, from) < 0) continue;
        yield {
          key,
          data: node.view(HEADER + node.u32le(at + 17), node.u32le(at + 21), `Btrfs item of type ${key.type}`),
        };
      } else {
        const below = { address: node.u64le(at + 17), level: level - 1, generation: node.u64le(at + 25) };
        yield* this.#below(below, from, to, signal);
      }
    }
  }

  async first(root: TreeRoot, from: Key, to: Key, signal?: AbortSignal): Promise<Item | undefined> {
    for await (const item of this.items(root, from, to, signal)) return item;
    return undefined;
  }
}

/** The first entry that may hold keys from `from` on. A subtree begins with the key that its pointer carries. */
function firstIndex(node: ByteView, count: number, size: number, from: Key): number {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareKeys(keyAt(node, HEADER + middle * size), from) <= 0) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}
