// The mutants of one image: a disk of which only the pages that are not zero are kept, and what is changed on it.
import { checkRange } from '../../../dist/disk/source/source.js';

const PAGE = 4096;
const LARGEST_READ = 2 ** 24;
const LARGEST_PLACE = 65536;

/** A disk of sparse pages; changed pages stand over the sound ones. */
export class Pages {
  changed = new Map();
  /** How often it was written to. */
  writes = 0;
  reads = undefined;
  #pages;
  #whole;

  constructor({ size, pages }) {
    this.size = this.#whole = size;
    this.#pages = pages;
  }

  /** The sound disk again. */
  restore() {
    this.changed.clear();
    this.size = this.#whole;
  }

  /** The sound disk beside this one. */
  sound() {
    return new Pages({ size: this.#whole, pages: this.#pages });
  }

  async read(offset, length) {
    checkRange(this, offset, length);
    if (length > LARGEST_READ) throw new Error(`a read of ${length} bytes at once`);
    this.note(offset, length);
    return this.bytes(offset, length);
  }

  /** Takes a read for a place, where places are looked for. */
  note(offset, length) {
    const whole = offset === 0 && length === this.size;
    if (this.reads && length > 0 && (whole || length <= LARGEST_PLACE))
      this.reads.set(`${offset}+${length}`, [offset, length]);
  }

  /** The numbers of its pages that say something. */
  numbers() {
    return [...new Set([...this.#pages.keys(), ...this.changed.keys()])].sort((a, b) => a - b);
  }

  bytes(offset, length) {
    const bytes = Buffer.alloc(length);
    for (let at = offset; at < offset + length; ) {
      const index = Math.floor(at / PAGE);
      const end = Math.min(offset + length, (index + 1) * PAGE);
      const page = this.changed.get(index) ?? this.#pages.get(index);
      if (page)
        Buffer.from(page.buffer, page.byteOffset, PAGE).copy(bytes, at - offset, at - index * PAGE, end - index * PAGE);
      at = end;
    }
    return bytes;
  }

  write(offset, bytes) {
    this.writes++;
    for (let i = 0; i < bytes.length && offset + i < this.size; i++) {
      const index = Math.floor((offset + i) / PAGE);
      let page = this.changed.get(index);
      if (!page) {
        page = Buffer.alloc(PAGE);
        const sound = this.#pages.get(index);
        if (sound) page.set(sound);
        this.changed.set(index, page);
      }
      page[(offset + i) % PAGE] = bytes[i];
    }
  }

  async *extents(offset, length) {
    yield { offset, length, zero: false, hole: false };
  }

  async [Symbol.asyncDispose]() {}
}

/** mulberry32: the same numbers for the same seed, everywhere. */
function random(start) {
  let a = start >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const BYTES = [0, 1, 0x7f, 0x80, 0xfe, 0xff];
const NUMBERS = [0, 1, 2, 3, 0x7f, 0xff, 0x100, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff].map(
  BigInt,
);

/** One number of a structure, with a value that it should not have, or one beside the one it has. */
function number(disk, at, pick, next) {
  const width = pick([2, 4, 8]);
  const bytes = disk.bytes(at, Math.min(width, disk.size - at));
  if (bytes.length < width) return bytes;
  const little = next() < 0.5;
  const view = new DataView(bytes.buffer, bytes.byteOffset, width);
  const suffix = { 2: 'Uint16', 4: 'Uint32', 8: 'BigUint64' }[width];
  const before = BigInt(view[`get${suffix}`](0, little));
  const beside = before + pick([-1n, 1n, 2n, 7n, 64n, -before / 2n, before]);
  const value = BigInt.asUintN(width * 8, next() < 0.5 ? beside : pick(NUMBERS));
  view[`set${suffix}`](0, width === 8 ? value : Number(value), little);
  return bytes;
}

/** Changes a disk at some of the places that the sound one is read at. The same case changes the same. */
export function mutate(disk, places, seed) {
  const next = random(seed);
  const pick = (list) => list[Math.floor(next() * list.length)];
  disk.restore();
  for (let edits = 1 + Math.floor(next() * 6); edits > 0; edits--) {
    const [offset, length] = pick(places);
    const inside = Math.floor(next() * Math.min(length, disk.size - offset));
    const kind = next();
    if (kind < 0.45) {
      const value = next() < 0.5 ? pick(BYTES) : Math.floor(next() * 256);
      disk.write(offset + inside, Buffer.alloc(next() < 0.2 ? 4 : 1, value));
    } else if (kind < 0.9) {
      const at = offset + inside - (inside % 2);
      disk.write(at, number(disk, at, pick, next));
    } else {
      // One structure in the place of another: loops, cross-links, things met twice.
      const [from, count] = pick(places);
      const most = Math.min(length, count, 4096, disk.size - from);
      disk.write(offset, disk.bytes(from, most));
    }
  }
  return next() < 0.5;
}

/** Cuts a few of the disks short, at a whole number of sectors or anywhere. It is done last: repairs take whole disks. */
export function cut(disk, places, seed) {
  const next = random(seed ^ 0x5bd1e995);
  if (next() >= 0.03) return;
  const [offset, length] = places[Math.floor(next() * places.length)];
  const end = offset + Math.floor(next() * length);
  disk.size = Math.max(1, next() < 0.5 ? end - (end % 512) : end);
}
