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
