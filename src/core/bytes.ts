/** Makes the error for bytes that are not what a structure promises; `offset` is absolute, as people count on a disk. */
export type CorruptError = (structure: string, offset: number, what: string) => Error;

/** Where the bytes of a view come from, for its errors. */
export interface BytePlace {
  /** What the bytes are, for example `ext4 superblock`. */
  structure: string;
  /** Offset of the first byte on its disk or in its file. */
  offset: number;
  corrupt: CorruptError;
}

/**
 * Bytes of one structure with checked access: what lies outside throws the place's `corrupt` error, never a RangeError
 * and never the bytes of a neighbour. Offsets count from the view's first byte.
 */
export class ByteView {
  readonly bytes: Buffer;
  readonly place: BytePlace;

  constructor(bytes: Uint8Array, place: BytePlace) {
    this.bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.place = place;
  }

  get length(): number {
    return this.bytes.length;
  }

  /** The error for something wrong at an offset of this view. */
  corrupt(at: number, what: string): Error {
    return this.place.corrupt(this.place.structure, this.place.offset + at, what);
  }

  #need(at: number, length: number): void {
    if (at >= 0 && length >= 0 && at + length <= this.bytes.length) return;
    throw this.corrupt(at, `${length} bytes are needed where ${Math.max(0, this.bytes.length - at)} are left`);
  }

  u8(at: number): number {
    this.#need(at, 1);
    return this.bytes[at] as number;
  }

  u16le(at: number): number {
    this.#need(at, 2);
    return this.bytes.readUInt16LE(at);
  }

  u16be(at: number): number {
    this.#need(at, 2);
    return this.bytes.readUInt16BE(at);
  }

  u32le(at: number): number {
    this.#need(at, 4);
    return this.bytes.readUInt32LE(at);
  }

  u32be(at: number): number {
    this.#need(at, 4);
    return this.bytes.readUInt32BE(at);
  }

  i32le(at: number): number {
    this.#need(at, 4);
    return this.bytes.readInt32LE(at);
  }

  i32be(at: number): number {
    this.#need(at, 4);
    return this.bytes.readInt32BE(at);
  }

  /** A 64-bit number that must be below 2^53: sizes, offsets and counts of anything that exists are. */
  u64le(at: number): number {
    this.#need(at, 8);
    return this.#safe(at, this.bytes.readUInt32LE(at + 4) * 2 ** 32 + this.bytes.readUInt32LE(at));
  }

  u64be(at: number): number {
    this.#need(at, 8);
    return this.#safe(at, this.bytes.readUInt32BE(at) * 2 ** 32 + this.bytes.readUInt32BE(at + 4));
  }

  #safe(at: number, value: number): number {
    if (Number.isSafeInteger(value)) return value;
    throw this.corrupt(at, `the number 0x${value.toString(16)} is beyond every disk`);
  }

  /** A 64-bit number with all its bits, for masks and magic values. */
  big64le(at: number): bigint {
    this.#need(at, 8);
    return this.bytes.readBigUInt64LE(at);
  }

  big64be(at: number): bigint {
    this.#need(at, 8);
    return this.bytes.readBigUInt64BE(at);
  }

  /** A part as bytes, without a copy. */
  slice(at: number, length: number): Buffer {
    this.#need(at, length);
    return this.bytes.subarray(at, at + length);
  }

  /** A part as a view with its own name. */
  view(at: number, length: number, structure = this.place.structure): ByteView {
    return new ByteView(this.slice(at, length), { ...this.place, structure, offset: this.place.offset + at });
  }

  /** Text of a fixed field up to its first NUL, one character a byte. */
  latin1(at: number, length: number): string {
    const text = this.slice(at, length).toString('latin1');
    const end = text.indexOf('\0');
    return end < 0 ? text : text.slice(0, end);
  }
}
