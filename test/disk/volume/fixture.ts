import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync } from 'node:zlib';

/** A small disk that a kernel wrote in a guest (`npm run test:long -- volume-fixtures`), packed. */
export function fixturePath(name: string): string {
  return fileURLToPath(new URL(`../../fixtures/volumes/${name}.br`, import.meta.url));
}

export function fixtureDisk(name: string): Buffer {
  return brotliDecompressSync(readFileSync(fixturePath(name)));
}
