// Reads: the objects of a journal file of systemd. Specification: systemd.io/JOURNAL_FILE_FORMAT, with the compact form
// and keyed hashes. Not read: hash tables (entries are reached through their arrays) and seals (TAG objects).
import { decompressors } from '../../disk/index.ts';

/** What a journal file says of itself. */
export interface JournalHeader {
  compact: boolean;
  /** How many entries there are. */
  entries: number;
  entryArray: number;
  /** The boot of the last entry, 32 hexadecimal digits. */
  lastBoot: string;
}

export interface EntryObject {
  sequence: bigint;
  /** Microseconds since 1970. */
  realtime: bigint;
  boot: string;
  /** Where its data objects are. */
  items: number[];
}

export class JournalDamage extends Error {}

const DATA = 1;
const ENTRY = 3;
const ENTRY_ARRAY = 6;
const OBJECT_HEADER = 16;
const KNOWN_INCOMPATIBLE = 0x1f;
const COMPACT = 0x10;
/** Bytes of an entry with one field. */
const SHORTEST_ENTRY = 64;
const MOST_ARRAYS = 100_000;
const MOST_ITEMS = 4096;
const LONGEST_FIELD = 2 ** 20;

/** A journal file in memory. Every offset in it is untrusted. */
export class JournalObjects {
  readonly header: JournalHeader;
  readonly #bytes: Buffer;

  /** @throws JournalDamage */
  constructor(bytes: Buffer) {
    if (bytes.length < 208 || bytes.toString('latin1', 0, 8) !== 'LPKSHHRH')
      throw new JournalDamage('it is no journal');
    const unknown = bytes.readUInt32LE(12) & ~KNOWN_INCOMPATIBLE;
    if (unknown !== 0) throw new JournalDamage(`it has an unknown feature 0x${unknown.toString(16)}`);
    this.#bytes = bytes;
    this.header = {
      compact: (bytes.readUInt32LE(12) & COMPACT) !== 0,
      // No more than there is room for: arrays that lie over each other would name each of them many times.
      entries: Math.min(this.#number(152), Math.floor(bytes.length / SHORTEST_ENTRY)),
      entryArray: this.#number(176),
      lastBoot: bytes.toString('hex', 56, 72),
    };
  }

  /** Where the entries are, oldest first. @throws JournalDamage */
  entryOffsets(): number[] {
    const { compact, entries, entryArray } = this.header;
    const width = compact ? 4 : 8;
    const offsets: number[] = [];
    let arrays = 0;
    for (let at = entryArray; at !== 0; ) {
      if (++arrays > MOST_ARRAYS) throw new JournalDamage('its arrays of entries have no end');
      const end = this.#object(at, ENTRY_ARRAY);
      for (let item = at + 24; item + width <= end && offsets.length < entries; item += width) {
        const offset = compact ? this.#bytes.readUInt32LE(item) : this.#number(item);
        if (offset === 0) return offsets;
        offsets.push(offset);
      }
      const next = this.#number(at + OBJECT_HEADER);
      // Arrays are added at the end of the file: a way back would be a circle.
      if (next !== 0 && next <= at) throw new JournalDamage(`the array of entries at ${at} leads back to ${next}`);
      at = next;
    }
    return offsets;
  }

  /** @throws JournalDamage */
  entry(at: number): EntryObject {
    const end = this.#object(at, ENTRY);
    const [width, step] = this.header.compact ? [4, 4] : [8, 16];
    if (end < at + 64) throw new JournalDamage(`the entry at ${at} is too short`);
    const items: number[] = [];
    for (let item = at + 64; item + step <= end && items.length < MOST_ITEMS; item += step) {
      items.push(width === 4 ? this.#bytes.readUInt32LE(item) : this.#number(item));
    }
    return {
      sequence: this.#bytes.readBigUInt64LE(at + 16),
      realtime: this.#bytes.readBigUInt64LE(at + 24),
      boot: this.#bytes.toString('hex', at + 40, at + 56),
      items,
    };
  }

  /** A field, `NAME=value`, decompressed. @throws JournalDamage */
  data(at: number): Buffer {
    const end = this.#object(at, DATA);
    const from = at + (this.header.compact ? 72 : 64);
    if (from > end) throw new JournalDamage(`the data at ${at} are too short`);
    const payload = this.#bytes.subarray(from, end);
    const flags = (this.#bytes[at + 1] ?? 0) & 7;
    if (flags === 0) return payload;
    const data =
      flags === 1
        ? decompressors.xz(payload, LONGEST_FIELD)
        : flags === 2
          ? // The size stands before the block, as a 64-bit number.
            decompressors.lz4(payload.subarray(8), LONGEST_FIELD)
          : flags === 4
            ? decompressors.zstd(payload, LONGEST_FIELD)
            : undefined;
    if (!data) throw new JournalDamage(`the data at ${at} cannot be decompressed`);
    return data;
  }

  /** Checks an object's place, kind and size. @returns where it ends */
  #object(at: number, type: number): number {
    if (at % 8 !== 0 || at < 0 || at + OBJECT_HEADER > this.#bytes.length || this.#bytes[at] !== type) {
      throw new JournalDamage(`at ${at} stands no object of type ${type}`);
    }
    const end = at + this.#number(at + 8);
    if (end < at + OBJECT_HEADER || end > this.#bytes.length) throw new JournalDamage(`the object at ${at} has no end`);
    return end;
  }

  #number(at: number): number {
    if (at + 8 > this.#bytes.length) throw new JournalDamage(`it ends before ${at + 8}`);
    const value = this.#bytes.readBigUInt64LE(at);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new JournalDamage(`the number at ${at} is too large`);
    return Number(value);
  }
}
