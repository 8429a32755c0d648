import { type BlockSource, checkRange, type Extent } from './source.ts';

/** Where the right bytes of a block stand instead. */
export interface Patch {
  /** Bytes from the beginning of the base. */
  from: number;
  /** The block begins with these bytes, whatever stands at `from`. */
  head?: Buffer;
}

/** A source in which some blocks are read from another place: a journal replayed without a write. */
export class PatchedSource implements BlockSource {
  readonly size: number;
  readonly #base: BlockSource;
  readonly #blockSize: number;
  readonly #patches: ReadonlyMap<number, Patch>;

  /** @param patches by the number of the block that they replace */
  constructor(base: BlockSource, blockSize: number, patches: ReadonlyMap<number, Patch>) {
    this.#base = base;
    this.size = base.size;
    this.#blockSize = blockSize;
    this.#patches = patches;
  }

  async read(offset: number, length: number, signal?: AbortSignal): Promise<Buffer> {
    checkRange(this, offset, length);
    const first = Math.floor(offset / this.#blockSize);
    const last = Math.floor((offset + length - 1) / this.#blockSize);
    let bytes = await this.#base.read(offset, length, signal);
    let own = false;
    for (let block = first; block <= last; block++) {
      const patch = this.#patches.get(block);
      if (!patch) continue;
      // What the base gave may be a cache's.
      if (!own) bytes = Buffer.from(bytes);
      own = true;
      const start = block * this.#blockSize;
      const [from, to] = [Math.max(offset, start), Math.min(offset + length, start + this.#blockSize)];
      const right = Buffer.from(await this.#base.read(patch.from, this.#blockSize, signal));
      if (patch.head) right.set(patch.head);
      right.copy(bytes, from - offset, from - start, to - start);
    }
    return bytes;
  }

  /** A patched block is no hole; where there are patches nothing is said to be zero. */
  async *extents(offset: number, length: number, signal?: AbortSignal): AsyncGenerator<Extent> {
    for await (const extent of this.#base.extents(offset, length, signal)) {
      yield this.#patches.size > 0 ? { ...extent, zero: false, hole: false } : extent;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#base[Symbol.asyncDispose]();
  }
}
