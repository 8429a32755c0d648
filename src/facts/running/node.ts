import { showBytes } from '../../core/index.ts';
import type { FileExtent, FsEntry, FsNode, NodeStat, Xattr } from '../../disk/index.ts';
import { GvmError } from '../../errors/index.ts';
import { type GuestShell, wordOf } from './guest.ts';

/** What files of one folder are fetched together: those up to a size, so many bytes and names at once. */
const SMALL = 64 * 1024;
const MOST_BYTES = 2 ** 20;
const MOST_WORDS = 48 * 1024;
/** Bytes of small files that are kept. */
const KEPT = 32 * 2 ** 20;

/** What the nodes of one guest share. */
export interface Shared {
  shell: GuestShell;
  /** By path, as the guest's getfattr(1) told all of them. */
  xattrs: ReadonlyMap<string, Xattr[]>;
  kept: number;
}

/** One file of a running guest. What it is was listed once; content is fetched when it is read. */
export class RunningNode implements FsNode {
  readonly stat: NodeStat;
  readonly path: Buffer;
  readonly children = new Map<string, RunningNode>();
  readonly #parent: RunningNode | undefined;
  readonly #shared: Shared;
  #bytes: Buffer | undefined;
  #target: Promise<Buffer> | undefined;

  constructor(shared: Shared, path: Buffer, stat: NodeStat, parent: RunningNode | undefined) {
    this.#shared = shared;
    this.path = path;
    this.stat = stat;
    this.#parent = parent;
  }

  async *entries(): AsyncGenerator<FsEntry> {
    for (const [name, child] of this.children) {
      const { ino, type } = child.stat;
      yield { name: Buffer.from(name, 'latin1'), ino, type, node: async () => child };
    }
  }

  async lookup(name: Buffer): Promise<FsNode | undefined> {
    return this.children.get(name.toString('latin1'));
  }

  readlink(): Promise<Buffer> {
    // readlink(1) of some ends its answer with a newline although it was told not to; a mark ends it here.
    this.#target ??= this.#shared.shell
      .ask(`readlink ${wordOf(this.path)}; printf .`, 8192)
      .then((said) => said.subarray(0, Math.max(0, said.length - 2)));
    return this.#target;
  }

  async xattrs(): Promise<Xattr[]> {
    return this.#shared.xattrs.get(this.path.toString('latin1')) ?? [];
  }

  async read(offset: number, length: number): Promise<Buffer> {
    const { size } = this.stat;
    const end = Math.min(offset + length, size);
    if (offset >= end) return Buffer.alloc(0);
    if (size <= SMALL && !this.#bytes) await this.#fetchWithNeighbours();
    if (this.#bytes) return this.#bytes.subarray(offset, end);
    const script = `tail -c +${offset + 1} ${wordOf(this.path)} | head -c ${end - offset}`;
    const bytes = await this.#shared.shell.ask(script, end - offset);
    if (bytes.length < end - offset) throw this.#unread();
    return bytes;
  }

  /** Whoever reads one small file of a folder nearly always reads the others, and each question costs a process. */
  async #fetchWithNeighbours(): Promise<void> {
    const chosen: RunningNode[] = [];
    let [bytes, words] = [0, 0];
    for (const node of [this as RunningNode, ...(this.#parent?.children.values() ?? [])]) {
      const { type, size } = node.stat;
      if (type !== 'file' || size === 0 || size > SMALL || node.#bytes || chosen.includes(node)) continue;
      bytes += size;
      words += node.path.length + 3;
      if (chosen.length > 0 && (bytes > MOST_BYTES || words > MOST_WORDS || this.#shared.kept + bytes > KEPT)) break;
      if (chosen.length === 0 || isText(node.path)) chosen.push(node);
    }
    const total = chosen.reduce((sum, { stat }) => sum + stat.size, 0);
    const script = `cat ${chosen.map(({ path }) => wordOf(path)).join(' ')} | head -c ${total + 1}`;
    const said = await this.#shared.shell.ask(script, total + 1);
    // A file that changed, or may not be read, shifts the others: then this one is asked for by itself.
    if (said.length !== total) return;
    let at = 0;
    for (const node of chosen) {
      node.#bytes = said.subarray(at, at + node.stat.size);
      at += node.stat.size;
    }
    this.#shared.kept += total;
  }

  // biome-ignore lint/correctness/useYield: it has none.
  async *extents(): AsyncGenerator<FileExtent> {
    throw new GvmError({ code: 'unsupported', message: 'a running guest does not tell where its files lie' });
  }

  #unread(): GvmError {
    const path = showBytes(this.path);
    return new GvmError({
      code: 'unsupported',
      message: `${path} cannot be read by the login, or has changed meanwhile`,
      details: { path },
    });
  }
}

const isText = (path: Buffer) => Buffer.from(path.toString('utf8')).equals(path);
