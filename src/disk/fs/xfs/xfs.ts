// Reads: XFS 4 and 5: every form of directories and of attributes, extent lists and trees, remote symbolic links, large
// times and extent counts, shared extents, checksums with owner and place.
// Specification: "XFS Algorithms & Data Structures", 3rd edition; fs/xfs/libxfs/xfs_format.h of Linux.
// Does not read: the real-time device, metadata directories, zones (refused by name); a dirty log is reported, not replayed.
import type { BlockSource } from '../../source/source.ts';
import type { Diagnostic } from '../../trouble.ts';
import type { FileSystem, FileSystemKind, Usage } from '../file-system.ts';
import { readInode } from './inode.ts';
import { isLogClean } from './log.ts';
import { XfsNode } from './node.ts';
import { MAGIC, readSuperblock } from './superblock.ts';
import { XfsVolume } from './volume.ts';

class Xfs implements FileSystem {
  readonly type = 'xfs';
  readonly label: string | undefined;
  readonly uuid: string;
  readonly blockSize: number;
  readonly features: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
  readonly #volume: XfsVolume;

  constructor(volume: XfsVolume, diagnostics: Diagnostic[]) {
    const { sb } = volume;
    this.#volume = volume;
    this.label = sb.label === '' ? undefined : sb.label;
    this.uuid = sb.uuid.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
    this.blockSize = sb.blockSize;
    this.features = sb.features;
    this.diagnostics = diagnostics;
  }

  async root(signal?: AbortSignal): Promise<XfsNode> {
    return new XfsNode(this.#volume, await readInode(this.#volume, this.#volume.sb.root, signal));
  }

  /** By the counters of the superblock. */
  async usage(): Promise<Usage> {
    const { blocks, log, freeBlocks, blockSize, icount, ifree } = this.#volume.sb;
    const free = freeBlocks * blockSize;
    return { total: (blocks - log.blocks) * blockSize, free, available: free, files: icount, freeFiles: ifree };
  }
}

export const xfs: FileSystemKind = {
  name: 'xfs',
  async probe(source, signal) {
    return source.size >= 512 && (await source.read(0, 4, signal)).readUInt32BE() === MAGIC;
  },
  async open(source: BlockSource, signal) {
    const volume = new XfsVolume(source, await readSuperblock(source, signal));
    const diagnostics = [...volume.sb.diagnostics];
    const say = (message: string) => diagnostics.push({ structure: 'XFS log', offset: undefined, message });
    if (volume.sb.log.start === 0) say('its log is on another device: whether it was written back is not known');
    else if (!(await isLogClean(volume, signal))) {
      say('it was not unmounted, and its log is not replayed: the newest changes may be missing');
    }
    return new Xfs(volume, diagnostics);
  },
};
