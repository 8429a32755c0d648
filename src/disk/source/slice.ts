import { type BlockSource, checkRange, type Extent } from './source.ts';

/** A part of another source, as a source of its own. Disposing of it leaves the other open. */
export class SliceSource implements BlockSource {
  readonly size: number;
  readonly #base: BlockSource;
  readonly #start: number;

  /** @throws GvmError `corrupt` when the part does not lie within the base */
  constructor(base: BlockSource, start: number, size: number) {
    checkRange(base, start, size, 'partition');
    this.#base = base;
    this.#start = start;
    this.size = size;
  }

  async read(offset: number, length: number, signal?: AbortSignal): Promise<Buffer> {
    checkRange(this, offset, length);
    return this.#base.read(this.#start + offset, length, signal);
  }

  async *extents(offset: number, length: number, signal?: AbortSignal): AsyncGenerator<Extent> {
    checkRange(this, offset, length);
    for await (const extent of this.#base.extents(this.#start + offset, length, signal)) {
      yield { ...extent, offset: extent.offset - this.#start };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
