// Reads: directories of other file systems laid over one another, as overlayfs would show them.
// Specification: Linux Documentation/filesystems/overlayfs.rst. Does not read: content below a metacopy, refused by name.
import type { FileSystem, FsNode, Usage } from '../fs/file-system.ts';
import type { Diagnostic } from '../trouble.ts';
import type { MarkSpace } from './marks.ts';
import { OverlayNode, type Real } from './node.ts';

/** A directory that takes part, with the file system in which it stands. */
export interface OverlayLayer {
  fs: FileSystem;
  root: FsNode;
}

/** The layers, and how their marks are read. */
export interface Layers {
  /** Top first. */
  list: readonly OverlayLayer[];
  spaces: readonly MarkSpace[];
  /** A number that is unique in the overlay, for an inode of a layer. */
  inode(layer: number, ino: number): number;
}

/** One tree over several directories. */
export class OverlayFileSystem implements FileSystem {
  readonly type = 'overlay';
  readonly label = undefined;
  readonly uuid = undefined;
  readonly blockSize: number;
  readonly features: readonly string[] = [];
  readonly diagnostics: readonly Diagnostic[] = [];
  readonly #layers: Layers;
  readonly #top: OverlayLayer;

  /** @param list directories, top first, at least one */
  constructor(list: readonly [OverlayLayer, ...OverlayLayer[]], spaces: readonly MarkSpace[]) {
    [this.#top] = list;
    this.blockSize = this.#top.fs.blockSize;
    const systems = [...new Set(list.map(({ fs }) => fs))];
    const number = list.map(({ fs }) => systems.indexOf(fs));
    const inode = (layer: number, ino: number) => ino * systems.length + (number[layer] ?? 0);
    this.#layers = { list, spaces, inode };
  }

  async root(): Promise<FsNode> {
    const [top, ...below] = this.#layers.list.map(({ root }, layer) => ({ layer, node: root }));
    return new OverlayNode(this.#layers, [top as Real, ...below]);
  }

  /** As the kernel tells it: that of the top layer. */
  usage(signal?: AbortSignal): Promise<Usage> {
    return this.#top.fs.usage(signal);
  }
}
