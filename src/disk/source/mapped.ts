import { type BlockSource, checkRange, type Extent } from './source.ts';

/** Where a run of bytes lies. */
export interface Place {
  source: BlockSource;
  /** Bytes from the beginning of that source. */
  at: number;
  /** How many bytes lie there one after the other, at least 1. */
  length: number;
}

/** Finds the place of an offset below the size. @throws GvmError `corrupt` where there is none */
export type Locate = (offset: number) => Place;

/** Bytes that lie scattered over other sources: an array of disks, a logical volume. Disposing of it leaves them open. */
export class MappedSource implements BlockSource {
  readonly size: number;
  readonly #locate: Locate;

  constructor(size: number, locate: Locate) {
    this.size = size;
    this.#locate = locate;
  }

  *#places(offset: number, length: number): Generator<Place> {
    checkRange(this, offset, length, 'volume');
    for (let at = offset; at < offset + length; ) {
      const place = this.#locate(at);
      const run = Math.min(place.length, offset + length - at);
      yield { ...place, length: run };
      at += run;
    }
  }

  async read(offset: number, length: number, signal?: AbortSignal): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (const { source, at, length: run } of this.#places(offset, length))
      parts.push(await source.read(at, run, signal));
    return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts, length);
  }

  async *extents(offset: number, length: number, signal?: AbortSignal): AsyncGenerator<Extent> {
    let start = offset;
    for (const { source, at, length: run } of this.#places(offset, length)) {
      for await (const extent of source.extents(at, run, signal))
        yield { ...extent, offset: extent.offset - at + start };
      start += run;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
