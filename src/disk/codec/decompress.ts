import { gunzipSync, inflateSync } from 'node:zlib';
import { decodeLz4 } from './lz4.ts';
import { decodeLzma } from './lzma.ts';
import { decodeLzo } from './lzo.ts';
import { decodeXz } from './xz.ts';
import { decodeZstd } from './zstd.ts';

/** Decompresses one piece. @returns at most `limit` bytes; undefined for what is damaged or longer */
export type Decompressor = (input: Uint8Array, limit: number) => Buffer | undefined;

const byZlib =
  (decode: typeof inflateSync): Decompressor =>
  (input, limit) => {
    try {
      return decode(input, { maxOutputLength: Math.max(1, limit) });
    } catch {
      return undefined;
    }
  };

/** Every decompressor, by the name of its format. */
export const decompressors = {
  zlib: byZlib(inflateSync),
  gzip: byZlib(gunzipSync),
  lzma: decodeLzma,
  lzo: decodeLzo,
  xz: decodeXz,
  lz4: decodeLz4,
  zstd: decodeZstd,
} as const satisfies Record<string, Decompressor>;
