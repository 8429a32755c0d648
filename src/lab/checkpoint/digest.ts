import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';

const READ = 2 ** 22;
const PIECE = 2 ** 16;
const ZEROS = Buffer.alloc(PIECE);

/**
 * SHA-256 of what a file holds, in hexadecimal: of its pieces of 64 KiB that are not all zero, each with its place, and
 * of its size. Most of a guest's memory was never touched, and is a hole in its file.
 */
export async function fileDigest(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  const place = Buffer.alloc(8);
  const mark = (at: number) => {
    place.writeBigUInt64LE(BigInt(at));
    hash.update(place);
  };
  const buffer = Buffer.allocUnsafe(READ);
  await using file = await open(path);
  for (let at = 0; ; ) {
    signal?.throwIfAborted();
    const { bytesRead } = await file.read(buffer, 0, READ, at);
    for (let from = 0; from < bytesRead; from += PIECE) {
      const piece = buffer.subarray(from, Math.min(from + PIECE, bytesRead));
      if (piece.equals(ZEROS.subarray(0, piece.length))) continue;
      mark(at + from);
      hash.update(piece);
    }
    at += bytesRead;
    if (bytesRead > 0) continue;
    mark(at);
    return hash.digest('hex');
  }
}
