import { type BlockSource, checkRange, type Extent } from '../../source/source.ts';
import type { Decrypt } from './cipher.ts';

/** The clear bytes of an encrypted range of another source. Disposing of it leaves that open. */
export class DecryptedSource implements BlockSource {
  readonly size: number;
  readonly #base: BlockSource;
  readonly #start: number;
  readonly #sector: number;
  readonly #tweak: number;
  readonly #decrypt: Decrypt;

  /** @param start bytes from the beginning of the base; @param tweak is added to the numbers of sectors of 512 bytes */
  constructor(base: BlockSource, start: number, size: number, sector: number, tweak: number, decrypt: Decrypt) {
    this.#base = base;
    this.#start = start;
    this.size = size;
    this.#sector = sector;
    this.#tweak = tweak;
    this.#decrypt = decrypt;
  }

  async read(offset: number, length: number, signal?: AbortSignal): Promise<Buffer> {
    checkRange(this, offset, length, 'volume');
    const first = offset - (offset % this.#sector);
    const end = Math.ceil((offset + length) / this.#sector) * this.#sector;
    const bytes = await this.#base.read(this.#start + first, end - first, signal);
    return this.#decrypt(bytes, this.#tweak + first / 512).subarray(offset - first, offset - first + length);
  }

  /** What takes no room decrypts to anything but zeros. */
  async *extents(offset: number, length: number, signal?: AbortSignal): AsyncGenerator<Extent> {
    checkRange(this, offset, length, 'volume');
    for await (const extent of this.#base.extents(this.#start + offset, length, signal)) {
      yield { ...extent, offset: extent.offset - this.#start, zero: false };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
