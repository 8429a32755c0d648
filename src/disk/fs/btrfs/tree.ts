import type { ByteView } from '../../../core/index.ts';
import type { BlockSource } from '../../source/source.ts';
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
  root: 132,
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
  readonly source: BlockSource;
  readonly sb: Superblock;
  readonly chunks: ChunkMap;
  readonly #nodes = new Map<number, ByteView>();

  constructor(source: BlockSource, sb: Superblock, chunks: ChunkMap) {
    this.source = source;
    this.sb = sb;
    this.chunks = chunks;
  }

  async #node(address: number, level: number, signal?: AbortSignal): Promise<ByteView> {
    const known = this.#nodes.get(address);
    const node = known ?? (await this.#read(address, signal));
    if (node.u8(100) !== level) throw node.corrupt(100, `a node of level ${node.u8(100)} where ${level} is expected`);
    this.#nodes.delete(address);
    this.#nodes.set(address, node);
    for (const old of this.#nodes.keys()) {
      if (this.#nodes.size <= MOST_NODES) break;
      this.#nodes.delete(old);
    }
    return node;
  }

  async #read(address: number, signal?: AbortSignal): Promise<ByteView> {
    const { nodeSize, sum, metadataUuid } = this.sb;
    const place = this.chunks.resolve(address, nodeSize);
    const node = view(await this.source.read(place, nodeSize, signal), 'Btrfs tree node', place);
    if (!isSumRight(sum, node.bytes)) throw node.corrupt(0, 'its checksum is wrong');
    if (!node.slice(32, 16).equals(metadataUuid)) throw node.corrupt(32, 'it belongs to another file system');
    if (node.u64le(48) !== address) throw node.corrupt(48, `it was written for the address ${node.u64le(48)}`);
    if (node.u8(100) > HIGHEST_LEVEL) throw node.corrupt(100, `a node of level ${node.u8(100)}`);
    return node;
  }

  /** The items from a key up to and with another, in order. */
  async *items(root: TreeRoot, from: Key, to: Key, signal?: AbortSignal): AsyncGenerator<Item> {
    yield* this.#below(root.address, root.level, from, to, signal);
  }

  async *#below(address: number, level: number, from: Key, to: Key, signal?: AbortSignal): AsyncGenerator<Item> {
    const node = await this.#node(address, level, signal);
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
      } else yield* this.#below(node.u64le(at + 17), level - 1, from, to, signal);
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
