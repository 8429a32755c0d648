import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import { type BlockSource, checkRange } from '../../../src/disk/source/source.ts';

const PAGE = 4096;
const ZERO = Buffer.alloc(PAGE);

/** A disk as its size and those of its pages of 4096 bytes that are not zero. */
export interface SparseDisk {
  size: number;
  pages: Map<number, Uint8Array>;
}

/** A small disk that a kernel wrote in a guest (`npm run test:long -- volume-fixtures`), packed. */
export function fixturePath(name: string): string {
  return fileURLToPath(new URL(`../../fixtures/volumes/${name}.br`, import.meta.url));
}

/** Packs a disk: its size, then each page that is not zero behind its number, all as brotli. */
export function packDisk(path: string): Buffer {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const head = Buffer.alloc(8);
    head.writeBigUInt64LE(BigInt(size));
    const parts: Buffer[] = [head];
    for (let index = 0; index * PAGE < size; index++) {
      const page = Buffer.alloc(PAGE);
      readSync(file, page, 0, PAGE, index * PAGE);
      if (page.equals(ZERO)) continue;
      const number = Buffer.alloc(4);
      number.writeUInt32LE(index);
      parts.push(number, page);
    }
    return brotliCompressSync(Buffer.concat(parts), { params: { [constants.BROTLI_PARAM_LGWIN]: 24 } });
  } finally {
    closeSync(file);
  }
}

export function fixturePages(name: string): SparseDisk {
  const bytes = brotliDecompressSync(readFileSync(fixturePath(name)));
  const pages = new Map<number, Uint8Array>();
  for (let at = 8; at < bytes.length; at += 4 + PAGE) {
    pages.set(bytes.readUInt32LE(at), new Uint8Array(bytes.subarray(at + 4, at + 4 + PAGE)));
  }
  return { size: Number(bytes.readBigUInt64LE(0)), pages };
}

/** The whole disk in memory. */
export function fixtureDisk(name: string): Buffer {
  const { size, pages } = fixturePages(name);
  const bytes = Buffer.alloc(size);
  for (const [index, page] of pages) bytes.set(page.subarray(0, size - index * PAGE), index * PAGE);
  return bytes;
}

/** A source over the pages of a disk. */
export function sparseSource({ size, pages }: SparseDisk): BlockSource {
  return {
    size,
    async read(offset, length) {
      checkRange({ size }, offset, length);
      const bytes = Buffer.alloc(length);
      for (let at = offset; at < offset + length; ) {
        const index = Math.floor(at / PAGE);
        const end = Math.min(offset + length, (index + 1) * PAGE);
        const page = pages.get(index);
        if (page) bytes.set(page.subarray(at - index * PAGE, end - index * PAGE), at - offset);
        at = end;
      }
      return bytes;
    },
    async *extents(offset, length) {
      yield { offset, length, zero: false, hole: false };
    },
    async [Symbol.asyncDispose]() {},
  };
}
