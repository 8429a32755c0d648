import { unsupported, view } from '../../trouble.ts';
import type { FileExtent, FsEntry, FsNode, NodeStat, NodeType, Xattr } from '../file-system.ts';
import { needType, scanFor } from '../node.ts';
import { blockEntries, entriesIn, type RawEntry } from './directory.ts';
import { INODE_FLAG, type Inode } from './inode.ts';
import { fileRuns } from './map.ts';
import type { ExtVolume } from './volume.ts';
import { readXattrs } from './xattr.ts';

const LONGEST_LINK = 4096;
/** Blocks of a directory that are mapped at once. */
const STEP = 256;

/** A file of ext2, ext3 or ext4. */
export class ExtNode implements FsNode {
  readonly stat: NodeStat;
  readonly #volume: ExtVolume;
  readonly #inode: Inode;

  constructor(volume: ExtVolume, inode: Inode) {
    this.#volume = volume;
    this.#inode = inode;
    this.stat = inode.stat;
  }

  async *entries(signal?: AbortSignal): AsyncGenerator<FsEntry> {
    needType(this, 'directory');
    this.#refuseEncrypted();
    if (this.#inode.flags & INODE_FLAG.inlineData) {
      for (const raw of this.#inlineEntries()) yield this.#entry(raw);
      return;
    }
    const { blockSize } = this.#volume.sb;
    const blocks = Math.floor(this.stat.size / blockSize);
    if (blocks > this.#volume.sb.blocks) {
      throw this.#inode.block.corrupt(0, `directory inode ${this.stat.ino} has a size of ${this.stat.size} bytes`);
    }
    for (let from = 0; from < blocks; from += STEP) {
      for await (const run of fileRuns(this.#volume, this.#inode, from, Math.min(from + STEP, blocks), signal)) {
        if (run.physical === undefined || run.unwritten) {
          throw this.#inode.block.corrupt(0, `directory inode ${this.stat.ino} has a hole at block ${run.logical}`);
        }
        for (let i = 0; i < run.count; i++) {
          const block = await this.#volume.block(run.physical + i, `directory inode ${this.stat.ino}`, signal);
          for (const raw of blockEntries(this.#volume, this.#inode, block, run.logical + i)) yield this.#entry(raw);
        }
      }
    }
  }

  /** The number of the parent stands first; `.` and `..` are not written. */
  *#inlineEntries(): Generator<RawEntry> {
    const bytes = this.#volume.inlineData(this.#inode);
    const data = view(bytes, `inline directory inode ${this.stat.ino}`, this.#inode.block.place.offset);
    if (data.length < 4) throw data.corrupt(0, `an inline directory of ${data.length} bytes`);
    const first = Math.min(data.length, 60);
    yield* entriesIn(this.#volume, data.view(4, first - 4));
    if (data.length > first) yield* entriesIn(this.#volume, data.view(first, data.length - first));
  }

  #entry(raw: RawEntry): FsEntry {
    return new ExtEntry(this.#volume, raw);
  }

  lookup(name: Buffer, signal?: AbortSignal): Promise<FsNode | undefined> {
    return scanFor(this, name, signal);
  }

  async readlink(signal?: AbortSignal): Promise<Buffer> {
    needType(this, 'symlink');
    this.#refuseEncrypted();
    const { size } = this.stat;
    if (size === 0 || size > LONGEST_LINK) {
      throw this.#inode.block.corrupt(0, `symbolic link inode ${this.stat.ino} has ${size} bytes`);
    }
    const inside = size < 60 && !(this.#inode.flags & (INODE_FLAG.extents | INODE_FLAG.inlineData));
    const target = inside
      ? this.#inode.block.slice(0, size)
      : await this.#volume.readFile(this.#inode, 0, size, signal);
    return Buffer.from(target);
  }

  xattrs(signal?: AbortSignal): Promise<Xattr[]> {
    return readXattrs(this.#volume, this.#inode, signal);
  }

  async read(offset: number, length: number, signal?: AbortSignal): Promise<Buffer> {
    needType(this, 'file');
    this.#refuseEncrypted();
    return this.#volume.readFile(this.#inode, offset, length, signal);
  }

  async *extents(signal?: AbortSignal): AsyncGenerator<FileExtent> {
    needType(this, 'file');
    const { size } = this.stat;
    if (size === 0) return;
    if (this.#inode.flags & INODE_FLAG.inlineData) {
      yield { offset: 0, length: size, kind: 'inline', disk: undefined };
      return;
    }
    const { blockSize } = this.#volume.sb;
    for await (const run of fileRuns(this.#volume, this.#inode, 0, Math.ceil(size / blockSize), signal)) {
      const offset = run.logical * blockSize;
      const length = Math.min(run.count * blockSize, size - offset);
      if (run.physical === undefined) yield { offset, length, kind: 'hole', disk: undefined };
      else yield { offset, length, kind: run.unwritten ? 'unwritten' : 'data', disk: run.physical * blockSize };
    }
  }

  #refuseEncrypted(): void {
    if (this.#inode.flags & INODE_FLAG.encrypted) {
      throw unsupported(`inode ${this.stat.ino}`, 'encrypted files and folders (fscrypt)');
    }
  }
}

class ExtEntry implements FsEntry {
  readonly name: Buffer;
  readonly ino: number;
  readonly type: NodeType | undefined;
  readonly #volume: ExtVolume;

  constructor(volume: ExtVolume, raw: RawEntry) {
    this.#volume = volume;
    this.name = raw.name;
    this.ino = raw.ino;
    this.type = raw.type;
  }

  async node(signal?: AbortSignal): Promise<FsNode> {
    return new ExtNode(this.#volume, await this.#volume.inode(this.ino, signal));
  }
}
