import type { FileExtent, FsEntry, FsNode, NodeStat, Xattr } from '../fs/file-system.ts';
import { needType } from '../fs/node.ts';
import { unsupported } from '../trouble.ts';
import { isWhiteoutDevice, type Marks, marksOf, shownXattrs } from './marks.ts';
import type { Layers } from './overlay.ts';

/** A file of a layer that stands behind one of the overlay. */
export interface Real {
  layer: number;
  node: FsNode;
}

/** A file of an overlay: one real file, or directories of several layers, the top one first. */
export class OverlayNode implements FsNode {
  readonly stat: NodeStat;
  readonly #layers: Layers;
  readonly #reals: readonly [Real, ...Real[]];
  #marks: Promise<Marks> | undefined;

  /** @param reals the top one first */
  constructor(layers: Layers, reals: readonly [Real, ...Real[]]) {
    this.#layers = layers;
    this.#reals = reals;
    const [{ layer, node }] = reals;
    const ino = layers.inode(layer, node.stat.ino);
    // The links to a directory from below are not counted over several layers.
    this.stat = { ...node.stat, ino, ...(reals.length > 1 ? { nlink: 1 } : {}) };
  }

  get #node(): FsNode {
    return this.#reals[0].node;
  }

  async *entries(signal?: AbortSignal): AsyncGenerator<FsEntry> {
    needType(this, 'directory');
    if (this.#reals.length === 1) {
      for await (const entry of this.#reals[0].node.entries(signal)) {
        if (!(await this.#hides(this.#reals[0], entry, signal)))
          yield this.#entry(entry, [{ layer: this.#reals[0].layer, entry }]);
      }
      return;
    }
    const found = new Map<string, { layer: number; entry: FsEntry }[]>();
    for (const { layer, node } of this.#reals) {
      for await (const entry of node.entries(signal)) {
        const key = entry.name.toString('latin1');
        const known = found.get(key);
        if (known) known.push({ layer, entry });
        else found.set(key, [{ layer, entry }]);
      }
    }
    for (const candidates of found.values()) {
      const [top] = candidates;
      const real = top && this.#reals.find(({ layer }) => layer === top.layer);
      if (top && real && !(await this.#hides(real, top.entry, signal))) yield this.#entry(top.entry, candidates);
    }
  }

  /** Whether an entry of one of the real directories only says that there is nothing. */
  async #hides(directory: Real, entry: FsEntry, signal?: AbortSignal): Promise<boolean> {
    const may =
      entry.type === undefined ||
      entry.type === 'character' ||
      (entry.type === 'file' && (await this.#hasFiles(directory, signal)));
    return may && this.#isWhiteout(directory, await entry.node(signal), signal);
  }

  async #isWhiteout(directory: Real, node: FsNode, signal?: AbortSignal): Promise<boolean> {
    if (isWhiteoutDevice(node)) return true;
    if (node.stat.type !== 'file' || node.stat.size > 0 || !(await this.#hasFiles(directory, signal))) return false;
    return (await marksOf(node, this.#layers.spaces, signal)).whiteout;
  }

  async #hasFiles({ node }: Real, signal?: AbortSignal): Promise<boolean> {
    const marks = node === this.#node ? await this.#own(signal) : await marksOf(node, this.#layers.spaces, signal);
    return marks.whiteoutFiles;
  }

  /** What the top layer says of the file itself. */
  #own(signal?: AbortSignal): Promise<Marks> {
    this.#marks ??= marksOf(this.#node, this.#layers.spaces, signal).catch((error) => {
      this.#marks = undefined;
      throw error;
    });
    return this.#marks;
  }

  #entry({ name, ino, type }: FsEntry, candidates: readonly { layer: number; entry: FsEntry }[]): FsEntry {
    const at = candidates[0]?.layer ?? 0;
    const node = async (signal?: AbortSignal) => {
      const find = (layer: number) => candidates.find((one) => one.layer === layer)?.entry.node(signal);
      const found = await this.#assemble(name, find, signal);
      if (found) return found;
      throw unsupported('overlay', 'a directory that changes while it is read');
    };
    return { name, ino: this.#layers.inode(at, ino), type, node };
  }

  async lookup(name: Buffer, signal?: AbortSignal): Promise<FsNode | undefined> {
    needType(this, 'directory');
    return this.#assemble(name, (layer) => this.#real(layer)?.node.lookup(name, signal), signal);
  }

  #real(layer: number): Real | undefined {
    return this.#reals.find((real) => real.layer === layer);
  }

  /** What stands under a name: the first that a layer has, and where that is a directory, those below it. */
  async #assemble(
    name: Buffer,
    find: (layer: number) => Promise<FsNode | undefined> | undefined,
    signal?: AbortSignal,
  ): Promise<OverlayNode | undefined> {
    const { list, spaces } = this.#layers;
    const reals: Real[] = [];
    let path: readonly Buffer[] | undefined;
    let under = name;
    for (const [layer] of list.entries()) {
      let stop = false;
      let node: FsNode | undefined;
      if (path) ({ node, stop, path } = await this.#fromTop(layer, path, signal));
      else {
        const directory = this.#real(layer);
        node = directory && (await (under === name ? find(layer) : directory.node.lookup(under, signal)));
        if (directory && node && (await this.#isWhiteout(directory, node, signal))) break;
      }
      if (node && reals.length > 0 && node.stat.type !== 'directory') break;
      if (node) reals.push({ layer, node });
      if (node && node.stat.type !== 'directory') break;
      const marks = node && layer < list.length - 1 ? await marksOf(node, spaces, signal) : undefined;
      const redirect = marks?.redirect;
      if (marks?.opaque) break;
      // A place from the top holds also where a folder on the way hides what is below it.
      if (redirect && 'path' in redirect) path = redirect.path;
      else if (stop) break;
      else if (redirect && path) path = [...path.slice(0, -1), redirect.name];
      else if (redirect) under = redirect.name;
    }
    const [top, ...below] = reals;
    return top && new OverlayNode(this.#layers, [top, ...below]);
  }

  /** Walks a layer from its top. On the way it may be told to stop, or to walk elsewhere in the layers below. */
  async #fromTop(
    layer: number,
    parts: readonly Buffer[],
    signal?: AbortSignal,
  ): Promise<{ node: FsNode | undefined; stop: boolean; path: readonly Buffer[] }> {
    const { list, spaces } = this.#layers;
    let node: FsNode | undefined = list[layer]?.root;
    let path = parts;
    let stop = false;
    for (const [i, part] of parts.entries()) {
      const below: FsNode | undefined = await node?.lookup(part, signal);
      if (!below) return { node: undefined, stop, path };
      if (below.stat.type !== 'directory') return { node: undefined, stop: true, path };
      node = below;
      if (i === parts.length - 1) break;
      const { opaque, redirect } = await marksOf(node, spaces, signal);
      if (opaque) stop = true;
      const rest = path.slice(path.length - (parts.length - 1 - i));
      if (opaque) continue;
      if (redirect && 'path' in redirect) {
        path = [...redirect.path, ...rest];
        stop = false;
      } else if (redirect) path = [...path.slice(0, path.length - rest.length - 1), redirect.name, ...rest];
    }
    return { node, stop, path };
  }

  readlink(signal?: AbortSignal): Promise<Buffer> {
    return this.#node.readlink(signal);
  }

  async xattrs(signal?: AbortSignal): Promise<Xattr[]> {
    return shownXattrs(await this.#node.xattrs(signal), this.#layers.spaces);
  }

  async #checkContent(signal?: AbortSignal): Promise<void> {
    if (this.stat.type !== 'file' || !(await this.#own(signal)).metacopy) return;
    throw unsupported(`inode ${this.#node.stat.ino}`, 'overlay files whose content lies in a lower layer (metacopy)');
  }

  async read(offset: number, length: number, signal?: AbortSignal): Promise<Buffer> {
    await this.#checkContent(signal);
    return this.#node.read(offset, length, signal);
  }

  async *extents(signal?: AbortSignal): AsyncGenerator<FileExtent> {
    await this.#checkContent(signal);
    // Places are told from the beginning of one file system, and there are several.
    for await (const extent of this.#node.extents(signal)) yield { ...extent, disk: undefined };
  }
}
