import { corrupt } from '../../trouble.ts';
import type { FileExtent, FsEntry, FsNode, NodeStat, NodeType, Xattr } from '../file-system.ts';
import { isDots, isName, needType, scanFor } from '../node.ts';
import { type Inode, readInode, typeOf } from './inode.ts';
import { MetadataCursor, type SquashVolume } from './volume.ts';
import { readXattrs } from './xattr.ts';

const STORED = 0x1000000;

/** A file of a squashfs. */
export class SquashNode implements FsNode {
  readonly stat: NodeStat;
  readonly #volume: SquashVolume;
  readonly #inode: Inode;
  /** Sizes of the blocks, and where each begins; read when they are first needed. */
  #blocks: Promise<{ sizes: Uint32Array; starts: Float64Array }> | undefined;

  constructor(volume: SquashVolume, inode: Inode) {
    this.#volume = volume;
    this.#inode = inode;
    this.stat = inode.stat;
  }

  async *entries(signal?: AbortSignal): AsyncGenerator<FsEntry> {
    needType(this, 'directory');
    const { directory } = this.#inode;
    if (!directory || directory.size === 0) return;
    const { sb } = this.#volume;
    const cursor = new MetadataCursor(this.#volume, sb.directoryTable + directory.block, directory.offset);
    const name = `squashfs directory inode ${this.stat.ino}`;
    for (let left = directory.size; left > 0; ) {
      const head = await cursor.take(12, name, signal);
      const count = head.u32le(0) + 1;
      const [block, base] = [head.u32le(4), head.u32le(8)];
      if (count > 256) throw head.corrupt(0, `${count} entries under one header`);
      left -= 12;
      for (let i = 0; i < count; i++) {
        const entry = await cursor.take(8, name, signal);
        const length = entry.u16le(6) + 1;
        const text = Buffer.from((await cursor.take(length, name, signal)).bytes);
        left -= 8 + length;
        if (left < 0) throw entry.corrupt(0, 'entries beyond the end of the directory');
        if (!isName(text) || isDots(text)) throw entry.corrupt(6, 'a name that no file can have');
        const delta = (entry.u16le(2) << 16) >> 16;
        yield new SquashEntry(this.#volume, text, base + delta, typeOf(entry.u16le(4)), block * 65536 + entry.u16le(0));
      }
    }
  }

  lookup(name: Buffer, signal?: AbortSignal): Promise<FsNode | undefined> {
    return scanFor(this, name, signal);
  }

  async readlink(): Promise<Buffer> {
    needType(this, 'symlink');
    return this.#inode.target ?? Buffer.alloc(0);
  }

  xattrs(signal?: AbortSignal): Promise<Xattr[]> {
    return readXattrs(this.#volume, this.#inode.xattr, signal);
  }

  async #list(signal?: AbortSignal) {
    this.#blocks ??= this.#readList(signal);
    try {
      return await this.#blocks;
    } catch (error) {
      this.#blocks = undefined;
      throw error;
    }
  }

  async #readList(signal?: AbortSignal) {
    const file = this.#inode.file as NonNullable<Inode['file']>;
    const sizes = new Uint32Array(file.blocks);
    const starts = new Float64Array(file.blocks);
    let at = file.start;
    for (let from = 0; from < file.blocks; from += 1024) {
      const count = Math.min(1024, file.blocks - from);
      const list = await file.sizes.take(count * 4, `block list of squashfs inode ${this.stat.ino}`, signal);
      for (let i = 0; i < count; i++) {
        sizes[from + i] = list.u32le(i * 4);
        starts[from + i] = at;
        at += list.u32le(i * 4) & 0xffffff;
      }
    }
    return { sizes, starts };
  }

  async read(offset: number, length: number, signal?: AbortSignal): Promise<Buffer> {
    needType(this, 'file');
    const { blockSize } = this.#volume.sb;
    const end = Math.min(offset + length, this.stat.size);
    const parts: Buffer[] = [];
    for (let at = offset; at < end; ) {
      const index = Math.floor(at / blockSize);
      const within = at - index * blockSize;
      const want = Math.min(end - at, blockSize - within);
      const block = await this.#block(index, signal);
      if (within + want > block.length) {
        throw corrupt('squashfs data block', this.#inode.file?.start ?? 0, `${block.length} bytes in block ${index}`);
      }
      parts.push(block.subarray(within, within + want));
      at += want;
    }
    return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
  }

  /** The content of one block of the file; the last part may stand among others in a block of fragments. */
  async #block(index: number, signal?: AbortSignal): Promise<Buffer> {
    const file = this.#inode.file as NonNullable<Inode['file']>;
    const { blockSize } = this.#volume.sb;
    const length = Math.min(blockSize, this.stat.size - index * blockSize);
    if (index >= file.blocks) return this.#fragment(length, signal);
    const { sizes, starts } = await this.#list(signal);
    const size = sizes[index] as number;
    if (size === 0) return Buffer.alloc(length);
    return this.#volume.dataBlock(starts[index] as number, size, blockSize, signal);
  }

  async #fragment(length: number, signal?: AbortSignal): Promise<Buffer> {
    const { fragmentTable, fragments, blockSize } = this.#volume.sb;
    const fragment = this.#inode.file?.fragment;
    if (!fragment || fragmentTable === undefined || fragment.index >= fragments) {
      throw corrupt('squashfs fragment table', fragmentTable ?? 0, `fragment ${fragment?.index} of ${fragments}`);
    }
    const cursor = await this.#volume.tableEntry(fragmentTable, fragment.index, 16, signal);
    const entry = await cursor.take(16, 'squashfs fragment table', signal);
    const bytes = await this.#volume.dataBlock(entry.u64le(0), entry.u32le(8), blockSize, signal);
    return bytes.subarray(fragment.offset, fragment.offset + length);
  }

  async *extents(signal?: AbortSignal): AsyncGenerator<FileExtent> {
    needType(this, 'file');
    const { size } = this.stat;
    const { blockSize } = this.#volume.sb;
    const { sizes, starts } = await this.#list(signal);
    let pending: FileExtent | undefined;
    for (const [index, stored] of sizes.entries()) {
      const offset = index * blockSize;
      const length = Math.min(blockSize, size - offset);
      const kind = stored === 0 ? 'hole' : stored & STORED ? 'data' : 'packed';
      if (pending && kind !== 'data' && pending.kind === kind) {
        pending.length += length;
        continue;
      }
      if (pending) yield pending;
      pending = { offset, length, kind, disk: kind === 'data' ? (starts[index] as number) : undefined };
    }
    if (pending) yield pending;
    const rest = sizes.length * blockSize;
    if (rest < size) yield { offset: rest, length: size - rest, kind: 'packed', disk: undefined };
  }
}

class SquashEntry implements FsEntry {
  readonly name: Buffer;
  readonly ino: number;
  readonly type: NodeType | undefined;
  readonly #volume: SquashVolume;
  readonly #reference: number;

  constructor(volume: SquashVolume, name: Buffer, ino: number, type: NodeType | undefined, reference: number) {
    this.#volume = volume;
    this.name = name;
    this.ino = ino;
    this.type = type;
    this.#reference = reference;
  }

  async node(signal?: AbortSignal): Promise<FsNode> {
    return new SquashNode(this.#volume, await readInode(this.#volume, this.#reference, signal));
  }
}
