// Reads: one block of LZO1X, as LZO and Linux write it. Specification: Documentation/staging/lzo.rst of Linux.
// Does not read: the run-length variant of newer kernels (lzo-rle), lzop files.

/** @returns the bytes, at most `limit`; undefined for a block that is damaged or longer */
export function decodeLzo(input: Uint8Array, limit: number): Buffer | undefined {
  try {
    return new Lzo(input, limit).decode();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

class Lzo {
  readonly #in: Uint8Array;
  readonly #out: Buffer;
  #ip = 0;
  #op = 0;

  constructor(input: Uint8Array, limit: number) {
    this.#in = input;
    this.#out = Buffer.allocUnsafe(limit);
  }

  #byte(): number {
    const byte = this.#in[this.#ip++];
    if (byte === undefined) throw new RangeError('the input ends');
    return byte;
  }

  /** A length that did not fit its bits: each zero byte adds 255. */
  #long(base: number): number {
    let total = base;
    for (let byte = this.#byte(); ; byte = this.#byte()) {
      if (byte !== 0) return total + byte;
      total += 255;
      if (total > this.#out.length) throw new RangeError('a run longer than the output');
    }
  }

  #literals(count: number): void {
    if (this.#ip + count > this.#in.length || this.#op + count > this.#out.length) throw new RangeError('literals');
    this.#out.set(this.#in.subarray(this.#ip, this.#ip + count), this.#op);
    this.#ip += count;
    this.#op += count;
  }

  #match(distance: number, count: number): void {
    if (distance > this.#op || this.#op + count > this.#out.length) throw new RangeError('a match');
    for (let i = 0; i < count; i++, this.#op++) this.#out[this.#op] = this.#out[this.#op - distance] as number;
  }

  /** The state is how many literals stood after the last match; 4 means a run of literals. */
  decode(): Buffer {
    let state = 0;
    const first = this.#in[0] ?? 0;
    if (first > 17) {
      this.#ip++;
      this.#literals(first - 17);
      state = Math.min(first - 17, 4);
    }
    for (;;) {
      const t = this.#byte();
      let next: number;
      if (t < 16 && state === 0) {
        this.#literals((t === 0 ? this.#long(15) : t) + 3);
        state = 4;
        continue;
      }
      if (t < 16) {
        next = t & 3;
        const distance = 1 + (t >>> 2) + (this.#byte() << 2);
        if (state === 4) this.#match(distance + 0x800, 3);
        else this.#match(distance, 2);
      } else if (t >= 64) {
        next = t & 3;
        this.#match(1 + ((t >>> 2) & 7) + (this.#byte() << 3), (t >>> 5) + 1);
      } else {
        const far = t < 32;
        const bits = far ? t & 7 : t & 31;
        const count = (bits === 0 ? this.#long(far ? 7 : 31) : bits) + 2;
        const word = this.#byte() | (this.#byte() << 8);
        next = word & 3;
        const distance = word >>> 2;
        const high = (t & 8) << 11;
        if (far && high === 0 && distance === 0) return this.#out.subarray(0, this.#op);
        this.#match(far ? 0x4000 + high + distance : 1 + distance, count);
      }
      this.#literals(next);
      state = next;
    }
  }
}
