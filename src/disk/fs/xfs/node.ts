import { view } from '../../trouble.ts';
import type { FileExtent, FsEntry, FsNode, NodeStat, NodeType, Xattr } from '../file-system.ts';
import { needType, scanFor } from '../node.ts';
import { readXattrs } from './attributes.ts';
import { directoryEntries, type RawEntry } from './directory.ts';
import { FORMAT, type Inode, readInode } from './inode.ts';
import { forkRuns, readFork } from './map.ts';
import type { XfsVolume } from './volume.ts';

const LONGEST_LINK = 1024;
const LINK_HEADER = 56;

/** A file of an XFS. */
export class XfsNode implements FsNode {
  readonly stat: NodeStat;
  readonly #volume: XfsVolume;
  readonly #inode: Inode;

  constructor(volume: XfsVolume, inode: Inode) {
    this.#volume = volume;
    this.#inode = inode;
    this.stat = inode.stat;
  }

  async *entries(signal?: AbortSignal): AsyncGenerator<FsEntry> {
    needType(this, 'directory');
    for await (const raw of directoryEntries(this.#volume, this.#inode, signal)) yield new XfsEntry(this.#volume, raw);
  }

  lookup(name: Buffer, signal?: AbortSignal): Promise<FsNode | undefined> {
    return scanFor(this, name, signal);
  }

  async readlink(signal?: AbortSignal): Promise<Buffer> {
    needType(this, 'symlink');
    const { data, ino } = this.#inode;
    const { size } = this.stat;
    if (size === 0 || size > LONGEST_LINK) throw data.bytes.corrupt(0, `a symbolic link of ${size} bytes`);
    if (data.format === FORMAT.local) return Buffer.from(data.bytes.slice(0, size));
    if (this.#volume.sb.version === 4) return readFork(this.#volume, ino, data, 0, size, signal);
    const { blockSize } = this.#volume.sb;
    const parts: Buffer[] = [];
    for (let left = size, number = 0; left > 0; number++) {
      const bytes = await readFork(this.#volume, ino, data, number * blockSize, blockSize, signal);
      const block = view(bytes, `symbolic link inode ${ino}`, number * blockSize);
      if (block.latin1(0, 4) !== 'XSLM') throw block.corrupt(0, 'this is no block of a symbolic link');
      this.#volume.checkBlock(block, { sum: 12, owner: 32, ino });
      const length = block.u32be(8);
      if (length === 0 || length > left) throw block.corrupt(8, `${length} bytes of a target where ${left} are left`);
      parts.push(block.slice(LINK_HEADER, length));
      left -= length;
    }
    return Buffer.concat(parts);
  }

  xattrs(signal?: AbortSignal): Promise<Xattr[]> {
    return readXattrs(this.#volume, this.#inode, signal);
  }

  async read(offset: number, length: number, signal?: AbortSignal): Promise<Buffer> {
    needType(this, 'file');
    const end = Math.min(offset + length, this.stat.size);
    if (offset >= end) return Buffer.alloc(0);
    return readFork(this.#volume, this.#inode.ino, this.#inode.data, offset, end - offset, signal);
  }

  async *extents(signal?: AbortSignal): AsyncGenerator<FileExtent> {
    needType(this, 'file');
    const { size } = this.stat;
    const { blockSize } = this.#volume.sb;
    const blocks = Math.ceil(size / blockSize);
    let at = 0;
    const hole = (to: number): FileExtent => ({ offset: at, length: to - at, kind: 'hole', disk: undefined });
    for await (const run of forkRuns(this.#volume, this.#inode.ino, this.#inode.data, 0, blocks, signal)) {
      const offset = run.logical * blockSize;
      const length = Math.min(run.count * blockSize, size - offset);
      if (offset > at) yield hole(offset);
      yield { offset, length, kind: run.unwritten ? 'unwritten' : 'data', disk: run.offset };
      at = offset + length;
    }
    if (at < size) yield hole(size);
  }
}

class XfsEntry implements FsEntry {
  readonly name: Buffer;
  readonly ino: number;
  readonly type: NodeType | undefined;
  readonly #volume: XfsVolume;

  constructor(volume: XfsVolume, raw: RawEntry) {
    this.#volume = volume;
    this.name = raw.name;
    this.ino = raw.ino;
    this.type = raw.type;
  }

  async node(signal?: AbortSignal): Promise<FsNode> {
    return new XfsNode(this.#volume, await readInode(this.#volume, this.ino, signal));
  }
}
