import { type BlockSource, checkRange, type Extent } from './source.ts';

/** Nothing but zeros. */
export class ZeroSource implements BlockSource {
  readonly size: number;

  constructor(size: number) {
    this.size = size;
  }

  async read(offset: number, length: number): Promise<Buffer> {
    checkRange(this, offset, length);
    return Buffer.alloc(length);
  }

  async *extents(offset: number, length: number): AsyncGenerator<Extent> {
    checkRange(this, offset, length);
    if (length > 0) yield { offset, length, zero: true, hole: true };
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
