import { type BlockSource, checkRange, type Extent } from './source.ts';

export interface CacheOptions {
  /** Bytes of a cached block, a power of two. Default 64 KiB. */
  blockSize?: number;
  /** Most bytes kept. Default 32 MiB. */
  capacity?: number;
  /** Most blocks fetched with one read when reads go forward. Default 16 (1 MiB). */
  readAhead?: number;
}

type Entry = Buffer | Promise<Buffer>;

/**
 * Keeps blocks of another source, the least recently used leaving first, so that small reads do not cost a request each.
 * Reads that go forward fetch more with each step. A large read passes by the cache. Disposing of it closes the base.
 */
export class CachedSource implements BlockSource {
  readonly size: number;
  readonly #base: BlockSource;
  readonly #blockSize: number;
  readonly #most: number;
  readonly #readAhead: number;
  /** In order of use, oldest first. */
  readonly #blocks = new Map<number, Entry>();
  /** The block after the last fetch, and how many that fetch brought. */
  #next = -1;
  #span = 1;

  constructor(base: BlockSource, options: CacheOptions = {}) {
    this.#base = base;
    this.size = base.size;
    this.#blockSize = options.blockSize ?? 2 ** 16;
    this.#readAhead = options.readAhead ?? 16;
    this.#most = Math.max(this.#readAhead + 1, Math.floor((options.capacity ?? 2 ** 25) / this.#blockSize));
  }

  async read(offset: number, length: number, signal?: AbortSignal): Promise<Buffer> {
    signal?.throwIfAborted();
    checkRange(this, offset, length);
    if (length === 0) return Buffer.alloc(0);
    const first = Math.floor(offset / this.#blockSize);
    const last = Math.floor((offset + length - 1) / this.#blockSize);
    if (last - first >= this.#readAhead) return this.#base.read(offset, length, signal);
    if (first === last) {
      const found = this.#blocks.get(first);
      const block = found instanceof Buffer ? this.#touch(first, found) : await this.#block(first, signal);
      const at = offset - first * this.#blockSize;
      return block.subarray(at, at + length);
    }
    const parts: Buffer[] = [];
    for (let index = first; index <= last; index++) {
      const block = await this.#block(index, signal);
      const start = index * this.#blockSize;
      parts.push(block.subarray(Math.max(0, offset - start), Math.min(block.length, offset + length - start)));
    }
    return Buffer.concat(parts, length);
  }

  #touch(index: number, block: Buffer): Buffer {
    this.#blocks.delete(index);
    this.#blocks.set(index, block);
    return block;
  }

  async #block(index: number, signal: AbortSignal | undefined): Promise<Buffer> {
    const found = this.#blocks.get(index);
    if (found instanceof Promise) {
      // A read that another caller began may end with that caller's signal: then this one reads for itself.
      const shared = await found.catch(() => undefined);
      if (shared) return shared;
    } else if (found) return this.#touch(index, found);
    this.#span = index === this.#next ? Math.min(this.#span * 2, this.#readAhead) : 1;
    return this.#fetch(index, this.#span, signal);
  }

  /** Reads blocks in one request; until it is there, others who want them wait for it. */
  async #fetch(first: number, wanted: number, signal: AbortSignal | undefined): Promise<Buffer> {
    let count = 1;
    const end = Math.ceil(this.size / this.#blockSize);
    while (count < wanted && first + count < end && !this.#blocks.has(first + count)) count++;
    this.#next = first + count;
    const start = first * this.#blockSize;
    const whole = this.#base.read(start, Math.min(count * this.#blockSize, this.size - start), signal);
    for (let i = 0; i < count; i++) {
      const part = whole.then((bytes) => bytes.subarray(i * this.#blockSize, (i + 1) * this.#blockSize));
      // Whoever waits for the block gets the failure; without a waiter it is nobody's.
      part.catch(() => {});
      this.#blocks.set(first + i, part);
    }
    let bytes: Buffer;
    try {
      bytes = await whole;
      // A copy each: one block that stays must not keep its whole read in memory.
      for (let i = 0; i < count; i++) {
        const block = bytes.subarray(i * this.#blockSize, (i + 1) * this.#blockSize);
        this.#blocks.set(first + i, count === 1 ? block : Buffer.from(block));
      }
    } catch (error) {
      for (let i = 0; i < count; i++) this.#blocks.delete(first + i);
      throw error;
    }
    for (const [index, entry] of this.#blocks) {
      if (this.#blocks.size <= this.#most) break;
      if (entry instanceof Buffer) this.#blocks.delete(index);
    }
    return bytes.subarray(0, this.#blockSize);
  }

  extents(offset: number, length: number, signal?: AbortSignal): AsyncIterable<Extent> {
    return this.#base.extents(offset, length, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#base[Symbol.asyncDispose]();
  }
}
