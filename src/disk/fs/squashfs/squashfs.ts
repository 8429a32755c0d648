// Reads: squashfs 4.0 in every compression (gzip, lzma, lzo, xz, lz4, zstd), fragments, holes, extended attributes.
// Specification: Documentation/filesystems/squashfs.rst of Linux; "Squashfs Binary Format" (dr-emann.github.io/squashfs).
// Does not read: squashfs 1 to 3, filters of xz for other processors than x86. It has no checksums of its own.
import type { BlockSource } from '../../source/source.ts';
import type { FileSystem, FileSystemKind, Usage } from '../file-system.ts';
import { readInode } from './inode.ts';
import { SquashNode } from './node.ts';
import { MAGIC, readSuperblock } from './superblock.ts';
import { SquashVolume } from './volume.ts';

class Squashfs implements FileSystem {
  readonly type = 'squashfs';
  readonly label = undefined;
  readonly uuid = undefined;
  readonly blockSize: number;
  readonly features: readonly string[];
  readonly diagnostics = [];
  readonly #volume: SquashVolume;

  constructor(volume: SquashVolume) {
    this.#volume = volume;
    this.blockSize = volume.sb.blockSize;
    this.features = [volume.sb.compression];
  }

  async root(signal?: AbortSignal): Promise<SquashNode> {
    return new SquashNode(this.#volume, await readInode(this.#volume, this.#volume.sb.root, signal));
  }

  /** It is full, always. */
  async usage(): Promise<Usage> {
    const { bytesUsed, inodes } = this.#volume.sb;
    return { total: bytesUsed, free: 0, available: 0, files: inodes, freeFiles: 0 };
  }
}

export const squashfs: FileSystemKind = {
  name: 'squashfs',
  async probe(source, signal) {
    return source.size >= 96 && (await source.read(0, 4, signal)).readUInt32LE() === MAGIC;
  },
  async open(source: BlockSource, signal) {
    return new Squashfs(new SquashVolume(source, await readSuperblock(source, signal)));
  },
};
