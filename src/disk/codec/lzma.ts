// Reads: LZMA data, alone or as the chunks of LZMA2. Specification: "LZMA specification" (LZMA SDK, lzma-specification.txt).
// Does not read: anything longer than the limit that it is given; the output itself is the dictionary.

const PROB_INIT = 1024;
const STATES = 12;
const POSITIONS = 16;

const probs = (count: number) => new Uint16Array(count).fill(PROB_INIT);

/** The bytes that are decoded, which later ones refer back to. */
export class LzmaOutput {
  readonly bytes: Buffer;
  length = 0;
  /** Where the dictionary begins: nothing before it may be referred to. */
  start = 0;

  constructor(limit: number) {
    this.bytes = Buffer.allocUnsafe(limit);
  }

  put(byte: number): void {
    if (this.length >= this.bytes.length) throw new RangeError('more output than allowed');
    this.bytes[this.length++] = byte;
  }

  copy(distance: number, count: number): void {
    if (distance > this.length - this.start || this.length + count > this.bytes.length) throw new RangeError('a match');
    for (let i = 0; i < count; i++) {
      this.bytes[this.length] = this.bytes[this.length - distance] as number;
      this.length++;
    }
  }
}

/** Decodes lengths of matches: short, middle and long ones by trees of 3, 3 and 8 bits. */
class LengthDecoder {
  readonly choice = probs(2);
  readonly low = Array.from({ length: POSITIONS }, () => probs(8));
  readonly middle = Array.from({ length: POSITIONS }, () => probs(8));
  readonly high = probs(256);

  decode(rc: LzmaDecoder, position: number): number {
    if (rc.bit(this.choice, 0) === 0) return rc.tree(this.low[position] as Uint16Array, 3);
    if (rc.bit(this.choice, 1) === 0) return 8 + rc.tree(this.middle[position] as Uint16Array, 3);
    return 16 + rc.tree(this.high, 8);
  }
}

/** One LZMA stream over a piece of input. It throws RangeError for whatever is damaged. */
export class LzmaDecoder {
  #input: Uint8Array = new Uint8Array();
  #ip = 0;
  #range = 0;
  #code = 0;
  #lc = 0;
  #lp = 0;
  #pb = 0;
  #state = 0;
  #reps: [number, number, number, number] = [0, 0, 0, 0];
  #literal = probs(0);
  #match = probs(0);
  #rep = probs(0);
  #repG0 = probs(0);
  #repG1 = probs(0);
  #repG2 = probs(0);
  #rep0Long = probs(0);
  #slots: Uint16Array[] = [];
  #align = probs(0);
  #special = probs(0);
  #lengths = new LengthDecoder();
  #repLengths = new LengthDecoder();

  /** Sets literal and position bits from the properties byte, and begins anew. */
  properties(byte: number): void {
    if (byte >= 225) throw new RangeError('properties');
    this.#lc = byte % 9;
    this.#lp = Math.floor(byte / 9) % 5;
    this.#pb = Math.floor(byte / 45);
    this.reset();
  }

  reset(): void {
    this.#state = 0;
    this.#reps = [0, 0, 0, 0];
    this.#literal = probs(0x300 << (this.#lc + this.#lp));
    this.#match = probs(STATES * POSITIONS);
    this.#rep = probs(STATES);
    this.#repG0 = probs(STATES);
    this.#repG1 = probs(STATES);
    this.#repG2 = probs(STATES);
    this.#rep0Long = probs(STATES * POSITIONS);
    this.#slots = Array.from({ length: 4 }, () => probs(64));
    this.#align = probs(16);
    this.#special = probs(128);
    this.#lengths = new LengthDecoder();
    this.#repLengths = new LengthDecoder();
  }

  /** Begins the range coder at the start of a piece of input. */
  begin(input: Uint8Array): void {
    if (input.length < 5 || input[0] !== 0) throw new RangeError('the range coder');
    this.#input = input;
    this.#ip = 5;
    this.#range = 0xffffffff;
    this.#code =
      (((input[1] as number) << 24) |
        ((input[2] as number) << 16) |
        ((input[3] as number) << 8) |
        (input[4] as number)) >>>
      0;
  }

  /** Whether the range coder came to the end of its piece, where nothing of what it read is left. */
  get finished(): boolean {
    return this.#code === 0 && this.#ip === this.#input.length;
  }

  #normalize(): void {
    if (this.#range >= 0x1000000) return;
    const byte = this.#input[this.#ip++];
    if (byte === undefined) throw new RangeError('the input ends');
    this.#range = (this.#range << 8) >>> 0;
    this.#code = ((this.#code << 8) | byte) >>> 0;
  }

  bit(table: Uint16Array, index: number): 0 | 1 {
    const prob = table[index] as number;
    const bound = (this.#range >>> 11) * prob;
    if (this.#code < bound) {
      this.#range = bound;
      table[index] = prob + ((2048 - prob) >>> 5);
      this.#normalize();
      return 0;
    }
    this.#range -= bound;
    this.#code -= bound;
    table[index] = prob - (prob >>> 5);
    this.#normalize();
    return 1;
  }

  tree(table: Uint16Array, bits: number): number {
    let at = 1;
    for (let i = 0; i < bits; i++) at = (at << 1) | this.bit(table, at);
    return at - (1 << bits);
  }

  #reverseTree(table: Uint16Array, offset: number, bits: number): number {
    let [at, value] = [1, 0];
    for (let i = 0; i < bits; i++) {
      const bit = this.bit(table, offset + at);
      at = (at << 1) | bit;
      value |= bit << i;
    }
    return value;
  }

  #direct(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++) {
      this.#range >>>= 1;
      const bit = this.#code >= this.#range ? 1 : 0;
      if (bit) this.#code -= this.#range;
      value = ((value << 1) | bit) >>> 0;
      this.#normalize();
    }
    return value;
  }

  /**
   * Decodes until the output has `end` bytes, or until the end mark.
   * @returns whether an end mark came
   */
  decode(out: LzmaOutput, end: number): boolean {
    const mask = (1 << this.#pb) - 1;
    while (out.length < end) {
      const position = (out.length - out.start) & mask;
      if (this.bit(this.#match, this.#state * POSITIONS + position) === 0) {
        this.#putLiteral(out);
        continue;
      }
      let count: number;
      if (this.bit(this.#rep, this.#state) === 0) {
        count = this.#lengths.decode(this, position) + 2;
        const distance = this.#distance(count);
        if (distance === 0xffffffff) return true;
        this.#reps = [distance, this.#reps[0], this.#reps[1], this.#reps[2]];
        this.#state = this.#state < 7 ? 7 : 10;
      } else {
        if (this.#repeat(position)) {
          out.copy(this.#reps[0] + 1, 1);
          continue;
        }
        count = this.#repLengths.decode(this, position) + 2;
        this.#state = this.#state < 7 ? 8 : 11;
      }
      if (out.length + count > end) throw new RangeError('a match beyond the end');
      out.copy(this.#reps[0] + 1, count);
    }
    return false;
  }

  /** Chooses one of the last four distances. @returns whether it is for a single byte */
  #repeat(position: number): boolean {
    const [r0, r1, r2, r3] = this.#reps;
    if (this.bit(this.#repG0, this.#state) === 0) {
      if (this.bit(this.#rep0Long, this.#state * POSITIONS + position) === 0) {
        this.#state = this.#state < 7 ? 9 : 11;
        return true;
      }
    } else if (this.bit(this.#repG1, this.#state) === 0) this.#reps = [r1, r0, r2, r3];
    else if (this.bit(this.#repG2, this.#state) === 0) this.#reps = [r2, r0, r1, r3];
    else this.#reps = [r3, r0, r1, r2];
    return false;
  }

  #distance(count: number): number {
    const slot = this.tree(this.#slots[Math.min(count - 2, 3)] as Uint16Array, 6);
    if (slot < 4) return slot;
    const bits = (slot >>> 1) - 1;
    const base = ((2 | (slot & 1)) << bits) >>> 0;
    if (slot < 14) return base + this.#reverseTree(this.#special, base - slot, bits);
    return (base + this.#direct(bits - 4) * 16 + this.#reverseTree(this.#align, 0, 4)) >>> 0;
  }

  #putLiteral(out: LzmaOutput): void {
    const before = out.length > out.start ? (out.bytes[out.length - 1] as number) : 0;
    const low = (out.length - out.start) & ((1 << this.#lp) - 1);
    const base = 0x300 * ((low << this.#lc) + (before >>> (8 - this.#lc)));
    let symbol = 1;
    if (this.#state >= 7) {
      const distance = this.#reps[0] + 1;
      if (distance > out.length - out.start) throw new RangeError('a literal after no match');
      let match = out.bytes[out.length - distance] as number;
      while (symbol < 0x100) {
        const bit = (match >>> 7) & 1;
        match = (match << 1) & 0xff;
        const decoded = this.bit(this.#literal, base + ((1 + bit) << 8) + symbol);
        symbol = (symbol << 1) | decoded;
        if (bit !== decoded) break;
      }
    }
    while (symbol < 0x100) symbol = (symbol << 1) | this.bit(this.#literal, base + symbol);
    out.put(symbol & 0xff);
    this.#state = this.#state < 4 ? 0 : this.#state < 10 ? this.#state - 3 : this.#state - 6;
  }
}

/** A `.lzma` file: properties, dictionary size, length, data. @returns undefined for what is damaged or longer than `limit` */
export function decodeLzma(input: Uint8Array, limit: number): Buffer | undefined {
  try {
    if (input.length < 13) return undefined;
    const head = Buffer.from(input.buffer, input.byteOffset, 13);
    const [low, high] = [head.readUInt32LE(5), head.readUInt32LE(9)];
    const unknown = low === 0xffffffff && high === 0xffffffff;
    const length = unknown ? Number.POSITIVE_INFINITY : low + high * 2 ** 32;
    if (!unknown && length > limit) return undefined;
    const out = new LzmaOutput(limit);
    const decoder = new LzmaDecoder();
    decoder.properties(head[0] as number);
    decoder.begin(input.subarray(13));
    // Without a length only a mark ends the data; more than the limit throws.
    decoder.decode(out, length);
    return out.bytes.subarray(0, out.length);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
