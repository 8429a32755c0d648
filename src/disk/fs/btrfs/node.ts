import type { ByteView } from '../../../core/index.ts';
import { corrupt } from '../../trouble.ts';
import {
  deviceOf,
  type FileExtent,
  type FsEntry,
  type FsNode,
  type NodeStat,
  type NodeType,
  type Timestamp,
  typeOfMode,
  type Xattr,
} from '../file-system.ts';
import { isDots, isName, needType, scanFor } from '../node.ts';
import type { DataReader } from './data.ts';
import { fileExtents } from './extents.ts';
import { HIGHEST_OBJECT, ITEM_TYPE, type Key, keyAt, type TreeRoot, type Trees, treeRoot } from './tree.ts';

const LONGEST_LINK = 4096;
export const FIRST_TREE = 5;
export const FIRST_INODE = 256;
const END = 2n ** 64n - 1n;
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

/** A tree of files: the file system's own, a subvolume or a snapshot. */
export interface Subvolume {
  id: number;
  root: TreeRoot;
}

export interface BtrfsVolume {
  trees: Trees;
  data: DataReader;
  roots: TreeRoot;
}

/** The tree of a subvolume. @throws GvmError `corrupt` when there is none */
export async function openSubvolume(volume: BtrfsVolume, id: bigint, signal?: AbortSignal): Promise<Subvolume> {
  const root = await treeRoot(volume.trees, volume.roots, id, signal);
  if (!root || id >= HIGHEST_OBJECT) throw corrupt('Btrfs root tree', 0, `there is no subvolume ${id}`);
  return { id: Number(id), root };
}

/** A file of a Btrfs. */
export class BtrfsNode implements FsNode {
  readonly stat: NodeStat;
  readonly #volume: BtrfsVolume;
  readonly #subvolume: Subvolume;
  /** The number within the subvolume. */
  readonly #object: number;

  private constructor(volume: BtrfsVolume, subvolume: Subvolume, object: number, item: ByteView) {
    this.#volume = volume;
    this.#subvolume = subvolume;
    this.#object = object;
    this.stat = statOf(subvolume, object, item);
  }

  static async open(
    volume: BtrfsVolume,
    subvolume: Subvolume,
    object: bigint,
    signal?: AbortSignal,
  ): Promise<BtrfsNode> {
    const key: Key = { object, type: ITEM_TYPE.inode, offset: 0n };
    const item = await volume.trees.first(subvolume.root, key, key, signal);
    if (!item || object >= HIGHEST_OBJECT)
      throw corrupt('Btrfs tree', 0, `there is no inode ${object} in subvolume ${subvolume.id}`);
    return new BtrfsNode(volume, subvolume, Number(object), item.data);
  }

  static async root(volume: BtrfsVolume, subvolume: Subvolume, signal?: AbortSignal): Promise<BtrfsNode> {
    return BtrfsNode.open(volume, subvolume, BigInt(FIRST_INODE), signal);
  }

  /** The number of the subvolume that this is the root of. */
  get subvolumeRoot(): bigint | undefined {
    return this.#object === FIRST_INODE ? BigInt(this.#subvolume.id) : undefined;
  }

  #items(type: number, signal?: AbortSignal) {
    const object = BigInt(this.#object);
    return this.#volume.trees.items(
      this.#subvolume.root,
      { object, type, offset: 0n },
      { object, type, offset: END },
      signal,
    );
  }

  async *entries(signal?: AbortSignal): AsyncGenerator<FsEntry> {
    needType(this, 'directory');
    for await (const { data } of this.#items(ITEM_TYPE.directoryIndex, signal)) {
      const target = keyAt(data, 0);
      const name = data.slice(30, data.u16le(27));
      if (!isName(name) || isDots(name)) throw data.corrupt(30, 'a name that no file can have');
      yield new BtrfsEntry(this.#volume, this.#subvolume, Buffer.from(name), target, FILE_TYPES[data.u8(29)]);
    }
  }

  lookup(name: Buffer, signal?: AbortSignal): Promise<FsNode | undefined> {
    return scanFor(this, name, signal);
  }

  async readlink(signal?: AbortSignal): Promise<Buffer> {
    needType(this, 'symlink');
    if (this.stat.size === 0 || this.stat.size > LONGEST_LINK) {
      throw corrupt('Btrfs symbolic link', 0, `inode ${this.#object} has ${this.stat.size} bytes`);
    }
    return Buffer.from(await this.#bytes(0, this.stat.size, signal));
  }

  async xattrs(signal?: AbortSignal): Promise<Xattr[]> {
    const found: Xattr[] = [];
    for await (const { data } of this.#items(ITEM_TYPE.xattr, signal)) {
      // Names with the same hash share an item.
      for (let at = 0; at < data.length; ) {
        const [valueLength, nameLength] = [data.u16le(at + 25), data.u16le(at + 27)];
        const name = Buffer.from(data.slice(at + 30, nameLength));
        found.push({ name, value: Buffer.from(data.slice(at + 30 + nameLength, valueLength)) });
        at += 30 + nameLength + valueLength;
      }
    }
    return found;
  }

  async read(offset: number, length: number, signal?: AbortSignal): Promise<Buffer> {
    needType(this, 'file');
    const end = Math.min(offset + length, this.stat.size);
    return offset >= end ? Buffer.alloc(0) : this.#bytes(offset, end, signal);
  }

  async #bytes(offset: number, end: number, signal?: AbortSignal): Promise<Buffer> {
    const parts: Buffer[] = [];
    let at = offset;
    for await (const extent of this.#extents(offset, end, signal)) {
      const [from, to] = [Math.max(at, extent.offset), Math.min(end, extent.offset + extent.length)];
      if (from > at) parts.push(Buffer.alloc(from - at));
      if (to > from) parts.push(await extent.read(from - extent.offset, to - from, signal));
      at = Math.max(at, to);
    }
    if (at < end) parts.push(Buffer.alloc(end - at));
    return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
  }

  #extents(from: number, to: number, signal?: AbortSignal) {
    return fileExtents(this.#volume, this.#subvolume.root, this.#object, from, to, signal);
  }

  async *extents(signal?: AbortSignal): AsyncGenerator<FileExtent> {
    needType(this, 'file');
    const { size } = this.stat;
    let at = 0;
    for await (const { offset, length, kind, disk } of this.#extents(0, size, signal)) {
      if (offset >= size) break;
      if (offset > at) yield { offset: at, length: offset - at, kind: 'hole', disk: undefined };
      yield { offset, length: Math.min(length, size - offset), kind, disk };
      at = Math.min(size, offset + length);
    }
    if (at < size) yield { offset: at, length: size - at, kind: 'hole', disk: undefined };
  }
}

/** Inode numbers begin anew in each subvolume, so the number of the subvolume stands before them. */
function numberOf(subvolume: number, object: number): number {
  const number = subvolume === FIRST_TREE ? object : subvolume * HIGHEST_OBJECT + object;
  if (Number.isSafeInteger(number)) return number;
  throw corrupt('Btrfs subvolume', 0, `the number ${subvolume} is too large`);
}

function statOf(subvolume: Subvolume, object: number, item: ByteView): NodeStat {
  const mode = item.u32le(52);
  const type = typeOfMode(mode);
  const time = (at: number): Timestamp => ({
    seconds: Number(BigInt.asIntN(64, item.big64le(at))),
    nanoseconds: Math.min(item.u32le(at + 8), 999_999_999),
  });
  return {
    ino: numberOf(subvolume.id, object),
    type,
    mode: mode & 0o7777,
    uid: item.u32le(44),
    gid: item.u32le(48),
    nlink: item.u32le(40),
    size: item.u64le(16),
    allocated: item.u64le(24),
    atime: time(112),
    ctime: time(124),
    mtime: time(136),
    btime: time(148),
    device: type === 'block' || type === 'character' ? deviceOf(item.u32le(56)) : undefined,
  };
}

class BtrfsEntry implements FsEntry {
  readonly name: Buffer;
  readonly ino: number;
  readonly type: NodeType | undefined;
  readonly #volume: BtrfsVolume;
  readonly #subvolume: Subvolume;
  readonly #target: Key;

  constructor(volume: BtrfsVolume, subvolume: Subvolume, name: Buffer, target: Key, type: NodeType | undefined) {
    this.#volume = volume;
    this.#subvolume = subvolume;
    this.#target = target;
    this.name = name;
    this.type = type;
    const other = target.type === ITEM_TYPE.root;
    this.ino = other ? numberOf(Number(target.object), FIRST_INODE) : numberOf(subvolume.id, Number(target.object));
  }

  /** An entry leads to an inode, or into another subvolume. */
  async node(signal?: AbortSignal): Promise<FsNode> {
    if (this.#target.type === ITEM_TYPE.root) {
      return BtrfsNode.root(this.#volume, await openSubvolume(this.#volume, this.#target.object, signal), signal);
    }
    if (this.#target.type !== ITEM_TYPE.inode) {
      throw corrupt('Btrfs directory entry', 0, `an entry leads to an item of type ${this.#target.type}`);
    }
    return BtrfsNode.open(this.#volume, this.#subvolume, this.#target.object, signal);
  }
}
