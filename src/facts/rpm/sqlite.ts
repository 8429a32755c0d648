// Reads: the rows of one table of an SQLite database, with its write-ahead log. Specification: the SQLite database file
// format (sqlite.org/fileformat2.html), sections 1.3, 1.5, 1.6, 2, 4. Not read: indexes, tables without a rowid, rollback
// journals.
import { damaged } from './damage.ts';

/** A column as it is stored: a whole number, text or blob as bytes; anything else is null. */
export type Column = number | Buffer | null;

const MOST_PAGES = 2 ** 20;
const LARGEST_ROW = 64 * 2 ** 20;
const INTERIOR = 0x05;
const LEAF = 0x0d;

/** The rows of a table in the order of their rowids. @throws GvmError `corrupt` */
export function* tableRows(database: Buffer, log: Buffer | undefined, table: string): Generator<Column[]> {
  const pages = new Pages(database, log);
  for (const [, name, , root] of pages.rows(1)) {
    if (Buffer.isBuffer(name) && name.toString('utf8') === table && typeof root === 'number') {
      yield* pages.rows(root);
      return;
    }
  }
  throw damaged(`it has no table ${table}`);
}

class Pages {
  readonly #database: Buffer;
  readonly #size: number;
  /** Bytes of a page that hold cells. */
  readonly #usable: number;
  readonly #newer: ReadonlyMap<number, Buffer>;

  constructor(database: Buffer, log: Buffer | undefined) {
    if (database.length < 512 || database.toString('latin1', 0, 16) !== 'SQLite format 3\0')
      throw damaged('it is no SQLite file');
    const size = database.readUInt16BE(16);
    this.#size = size === 1 ? 65536 : size;
    if (this.#size < 512 || (this.#size & (this.#size - 1)) !== 0) throw damaged(`pages of ${this.#size} bytes`);
    this.#usable = this.#size - (database[20] ?? 0);
    if (this.#usable < 480) throw damaged(`only ${this.#usable} bytes of a page are used`);
    this.#database = database;
    this.#newer = log ? committedPages(log, this.#size) : new Map();
  }

  #page(number: number): Buffer {
    const newer = this.#newer.get(number);
    if (newer) return newer;
    const page = this.#database.subarray((number - 1) * this.#size, number * this.#size);
    if (number < 1 || page.length !== this.#size) throw damaged(`it has no page ${number}`);
    return page;
  }

  /** The rows of the b-tree with this root. A page that is met twice is damage, so that every walk ends. */
  *rows(root: number): Generator<Column[]> {
    const seen = new Set<number>();
    const todo = [root];
    for (let number = todo.pop(); number !== undefined; number = todo.pop()) {
      if (seen.has(number) || seen.size > MOST_PAGES) throw damaged(`page ${number} stands in its tree twice`);
      seen.add(number);
      const page = this.#page(number);
      const head = number === 1 ? 100 : 0;
      const kind = page[head];
      const count = page.readUInt16BE(head + 3);
      const pointers = head + (kind === INTERIOR ? 12 : 8);
      if ((kind !== INTERIOR && kind !== LEAF) || pointers + count * 2 > page.length)
        throw damaged(`page ${number} is no part of a table`);
      const cells = Array.from({ length: count }, (_, i) => page.readUInt16BE(pointers + i * 2));
      if (kind === LEAF) for (const cell of cells) yield recordOf(this.#payload(page, cell));
      else {
        const children = cells.map((cell) => number32(page, cell));
        todo.push(page.readUInt32BE(head + 8), ...children.reverse());
      }
    }
  }

  /** The payload of a leaf's cell, with what overflows to other pages. */
  #payload(page: Buffer, cell: number): Buffer {
    const length = varint(page, cell);
    const rowid = varint(page, length.next);
    const from = rowid.next;
    if (length.value > LARGEST_ROW) throw damaged(`a row of ${length.value} bytes`);
    const most = this.#usable - 35;
    if (length.value <= most) return part(page, from, length.value);
    const least = Math.floor(((this.#usable - 12) * 32) / 255) - 23;
    const some = least + ((length.value - least) % (this.#usable - 4));
    const local = some <= most ? some : least;
    const parts = [part(page, from, local)];
    let left = length.value - local;
    for (let next = number32(page, from + local); left > 0; ) {
      const more = this.#page(next);
      const bytes = more.subarray(4, 4 + Math.min(left, this.#usable - 4));
      parts.push(bytes);
      left -= bytes.length;
      next = more.readUInt32BE(0);
    }
    return Buffer.concat(parts);
  }
}

function part(page: Buffer, from: number, length: number): Buffer {
  if (from + length > page.length) throw damaged('a row leaves its page');
  return page.subarray(from, from + length);
}

function number32(page: Buffer, at: number): number {
  return part(page, at, 4).readUInt32BE(0);
}

/** A number of up to nine bytes, seven bits in each but the last. */
function varint(bytes: Buffer, at: number): { value: number; next: number } {
  let value = 0;
  for (let i = 0; i < 9; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) throw damaged('a number leaves its page');
    value = i === 8 ? value * 256 + byte : value * 128 + (byte & 0x7f);
    if (byte < 0x80 || i === 8) return { value, next: at + i + 1 };
  }
  throw damaged('a number has no end');
}

/** Bytes of a serial type below 12; those from there on are blobs and texts. */
const WIDTHS = [0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0];

function recordOf(payload: Buffer): Column[] {
  const head = varint(payload, 0);
  const columns: Column[] = [];
  let body = head.value;
  for (let at = head.next; at < head.value; ) {
    const type = varint(payload, at);
    at = type.next;
    const width = type.value < 12 ? (WIDTHS[type.value] ?? 0) : Math.floor((type.value - 12) / 2);
    const bytes = payload.subarray(body, body + width);
    if (bytes.length !== width) throw damaged('a column leaves its row');
    body += width;
    if (type.value >= 12) columns.push(bytes);
    else if (type.value >= 1 && type.value <= 5) columns.push(bytes.readIntBE(0, width));
    else columns.push(type.value === 8 ? 0 : type.value === 9 ? 1 : null);
  }
  return columns;
}

/** The newest form of each page that a write-ahead log has committed; its frames count while their sums are right. */
function committedPages(log: Buffer, size: number): Map<number, Buffer> {
  const committed = new Map<number, Buffer>();
  if (log.length < 32 || log.readUInt32BE(0) >>> 1 !== 0x377f0682 >>> 1 || log.readUInt32BE(8) !== size)
    return committed;
  const big = (log[3] ?? 0) & 1;
  const sum = (bytes: Buffer, [a, b]: readonly [number, number]): [number, number] => {
    for (let i = 0; i + 8 <= bytes.length; i += 8) {
      const [x, y] = big
        ? [bytes.readUInt32BE(i), bytes.readUInt32BE(i + 4)]
        : [bytes.readUInt32LE(i), bytes.readUInt32LE(i + 4)];
      a = (a + x + b) >>> 0;
      b = (b + y + a) >>> 0;
    }
    return [a, b];
  };
  const salt = log.subarray(16, 24);
  let sums = sum(log.subarray(0, 24), [0, 0]);
  const open = new Map<number, Buffer>();
  for (let at = 32; at + 24 + size <= log.length; at += 24 + size) {
    const frame = log.subarray(at, at + 24);
    const page = log.subarray(at + 24, at + 24 + size);
    sums = sum(page, sum(frame.subarray(0, 8), sums));
    const whole =
      frame.subarray(8, 16).equals(salt) && frame.readUInt32BE(16) === sums[0] && frame.readUInt32BE(20) === sums[1];
    if (!whole) break;
    open.set(frame.readUInt32BE(0), page);
    if (frame.readUInt32BE(4) === 0) continue;
    for (const [number, bytes] of open) committed.set(number, bytes);
    open.clear();
  }
  return committed;
}
