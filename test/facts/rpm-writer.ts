import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { tableRows } from '../../src/facts/rpm/sqlite.ts';

/** Made by rpm 4.18: three packages were installed, of one the header overflows its page, another was put in again. */
export function rpmSqlite(): Buffer {
  return gunzipSync(readFileSync(new URL('../fixtures/rpm/rpmdb.sqlite.gz', import.meta.url)));
}

/** The headers in such a database. */
export function rpmHeaders(sqlite: Buffer): Buffer[] {
  return [...tableRows(sqlite, undefined, 'Packages')].flatMap(([, blob]) => (Buffer.isBuffer(blob) ? [blob] : []));
}

/** The same headers in rpm's own form (lib/backend/ndb/rpmpkg.c). */
export function rpmNdb(headers: readonly Buffer[]): Buffer {
  const slots = Buffer.alloc(4096);
  for (let at = 0; at < slots.length; at += 16) slots.write('Slot', at, 'latin1');
  slots.fill(0, 0, 32).write('RpmP', 0, 'latin1');
  slots.writeUInt32LE(1, 12);
  const parts: Buffer[] = [slots];
  let block = 256;
  for (const [i, header] of headers.entries()) {
    const blocks = Math.ceil((16 + header.length + 12) / 16);
    const blob = Buffer.alloc(blocks * 16);
    blob.write('BlbS', 0, 'latin1');
    blob.writeUInt32LE(i + 1, 4);
    blob.writeUInt32LE(header.length, 12);
    header.copy(blob, 16);
    blob.write('BlbE', blob.length - 4, 'latin1');
    // One slot is free, as after a package was removed.
    const slot = (i + 3) * 16;
    slots.writeUInt32LE(i + 1, slot + 4);
    slots.writeUInt32LE(block, slot + 8);
    slots.writeUInt32LE(blocks, slot + 12);
    parts.push(blob);
    block += blocks;
  }
  return Buffer.concat(parts);
}

/** A write-ahead log over such a database: some of its pages again, in two transactions (section 4 of SQLite's file format). */
export function rpmWal(sqlite: Buffer): Buffer {
  const size = sqlite.readUInt16BE(16);
  let [a, b] = [0, 0];
  const sum = (bytes: Buffer): Buffer => {
    for (let i = 0; i < bytes.length; i += 8) {
      a = (a + bytes.readUInt32LE(i) + b) >>> 0;
      b = (b + bytes.readUInt32LE(i + 4) + a) >>> 0;
    }
    const both = Buffer.alloc(8);
    both.writeUInt32BE(a);
    both.writeUInt32BE(b, 4);
    return both;
  };
  const words = (...numbers: number[]) => {
    const bytes = Buffer.alloc(numbers.length * 4);
    for (const [i, number] of numbers.entries()) bytes.writeUInt32BE(number, i * 4);
    return bytes;
  };
  const [head, salt] = [words(0x377f0682, 3_007_000, size, 0), words(1, 2)];
  const parts = [head, salt, sum(Buffer.concat([head, salt]))];
  const pages = sqlite.length / size;
  for (const [number, commit] of [
    [1, 0],
    [2, pages],
    [3, pages],
  ] as const) {
    const [place, page] = [words(number, commit), sqlite.subarray((number - 1) * size, number * size)];
    sum(place);
    parts.push(place, salt, sum(page), page);
  }
  return Buffer.concat(parts);
}
