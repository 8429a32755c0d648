import { type BlockSource, checkRange, type Extent } from './source.ts';

/** A block source over bytes in memory. */
export class MemorySource implements BlockSource {
  readonly size: number;
  readonly #bytes: Buffer;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.size = bytes.byteLength;
  }

  async read(offset: number, length: number, signal?: AbortSignal): Promise<Buffer> {
    signal?.throwIfAborted();
    checkRange(this, offset, length);
    return this.#bytes.subarray(offset, offset + length);
  }

  async *extents(offset: number, length: number): AsyncGenerator<Extent> {
    checkRange(this, offset, length);
    if (length > 0) yield { offset, length, zero: false, hole: false };
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
