import type { BlockSource } from '../../source/source.ts';
import { corrupt, view } from '../../trouble.ts';
import type { Superblock } from './superblock.ts';

const METADATA = 8192;
const MOST_METADATA = 128;
const MOST_DATA = 8;

interface MetadataBlock {
  bytes: Buffer;
  /** Where the next one begins. */
  next: number;
}

/** Keeps the values that were used last. */
class Recent<T> {
  readonly #values = new Map<number, T>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  get(key: number): T | undefined {
    const value = this.#values.get(key);
    if (value === undefined) return undefined;
    this.#values.delete(key);
    this.#values.set(key, value);
    return value;
  }

  set(key: number, value: T): void {
    this.#values.set(key, value);
    for (const old of this.#values.keys()) {
      if (this.#values.size <= this.#most) break;
      this.#values.delete(old);
    }
  }
}

/** The blocks of a squashfs, decompressed. */
export class SquashVolume {
  readonly source: BlockSource;
  readonly sb: Superblock;
  readonly #metadata = new Recent<MetadataBlock>(MOST_METADATA);
  readonly #data = new Recent<Buffer>(MOST_DATA);

  constructor(source: BlockSource, sb: Superblock) {
    this.source = source;
    this.sb = sb;
  }

  async metadataBlock(offset: number, signal?: AbortSignal): Promise<MetadataBlock> {
    const known = this.#metadata.get(offset);
    if (known) return known;
    const structure = 'squashfs metadata block';
    if (offset + 2 > this.sb.bytesUsed) throw corrupt(structure, offset, 'it lies beyond the end of the file system');
    const head = view(await this.source.read(offset, 2, signal), structure, offset).u16le(0);
    const size = head & 0x7fff;
    if (size === 0 || size > METADATA || offset + 2 + size > this.sb.bytesUsed) {
      throw corrupt(structure, offset, `it says that it has ${size} bytes`);
    }
    const stored = await this.source.read(offset + 2, size, signal);
    const bytes = head & 0x8000 ? stored : this.sb.decode(stored, METADATA);
    if (!bytes) throw corrupt(structure, offset, `its ${size} bytes cannot be decompressed (${this.sb.compression})`);
    const block = { bytes, next: offset + 2 + size };
    this.#metadata.set(offset, block);
    return block;
  }

  /** A data block or block of fragments. `expected` is its length when it is decompressed, at most. */
  async dataBlock(offset: number, stored: number, expected: number, signal?: AbortSignal): Promise<Buffer> {
    const known = this.#data.get(offset);
    if (known) return known;
    const size = stored & 0xffffff;
    const structure = 'squashfs data block';
    if (size > this.sb.blockSize || offset + size > this.sb.bytesUsed) {
      throw corrupt(structure, offset, `it says that it has ${size} bytes`);
    }
    const input = await this.source.read(offset, size, signal);
    const bytes = stored & 0x1000000 ? input : this.sb.decode(input, expected);
    if (!bytes) throw corrupt(structure, offset, `its ${size} bytes cannot be decompressed (${this.sb.compression})`);
    this.#data.set(offset, bytes);
    return bytes;
  }

  /** An entry of a table whose blocks are listed at `list`. */
  async tableEntry(list: number, index: number, size: number, signal?: AbortSignal): Promise<MetadataCursor> {
    const perBlock = METADATA / size;
    const at = list + Math.floor(index / perBlock) * 8;
    if (at + 8 > this.sb.bytesUsed) throw corrupt('squashfs table', at, 'it lies beyond the end of the file system');
    const block = view(await this.source.read(at, 8, signal), 'squashfs table', at).u64le(0);
    return new MetadataCursor(this, block, (index % perBlock) * size);
  }
}

/** Reads on from a place in a table, over the borders of its blocks. */
export class MetadataCursor {
  readonly #volume: SquashVolume;
  #block: number;
  #offset: number;

  /** @param block where the metadata block begins, bytes from the beginning of the file system */
  constructor(volume: SquashVolume, block: number, offset: number) {
    this.#volume = volume;
    this.#block = block;
    this.#offset = offset;
  }

  async take(length: number, structure: string, signal?: AbortSignal) {
    const parts: Buffer[] = [];
    const place = this.#block;
    for (let left = length; left > 0; ) {
      const { bytes, next } = await this.#volume.metadataBlock(this.#block, signal);
      if (this.#offset > bytes.length)
        throw corrupt(structure, this.#block, `offset ${this.#offset} of ${bytes.length}`);
      const part = bytes.subarray(this.#offset, this.#offset + left);
      if (part.length === 0 && bytes.length < METADATA)
        throw corrupt(structure, this.#block, 'its table ends before it');
      parts.push(part);
      left -= part.length;
      this.#offset += part.length;
      if (this.#offset < bytes.length) break;
      this.#block = next;
      this.#offset = 0;
    }
    return view(parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts), structure, place);
  }
}
