// Reads: Zstandard frames, by node:zlib where it has them (Node 22.15 and later), else by fzstd.
// Specification: RFC 8878. Does not read: dictionaries.
import zlib from 'node:zlib';
import { Decompress } from 'fzstd';

const MAGIC = 0xfd2fb528;
type ZstdSync = (input: Uint8Array, options: { maxOutputLength: number }) => Buffer;
const native = (zlib as unknown as { zstdDecompressSync?: ZstdSync }).zstdDecompressSync;

/** @returns the bytes, at most `limit`; undefined for what is damaged or longer */
export function decodeZstd(input: Uint8Array, limit: number): Buffer | undefined {
  if (windowOf(input) > Math.max(limit, 2 ** 23)) return undefined;
  return native ? byNode(native, input, limit) : decodeByFzstd(input, limit);
}

function byNode(decompress: ZstdSync, input: Uint8Array, limit: number): Buffer | undefined {
  try {
    return decompress(input, { maxOutputLength: limit });
  } catch {
    return undefined;
  }
}

/** The decoder for a Node without Zstandard. */
export function decodeByFzstd(input: Uint8Array, limit: number): Buffer | undefined {
  const parts: Uint8Array[] = [];
  let length = 0;
  let ended = false;
  try {
    const decoder = new Decompress((part, final) => {
      length += part.length;
      if (length > limit) throw new RangeError('more output than allowed');
      parts.push(part);
      ended ||= final === true;
    });
    decoder.push(input, true);
  } catch {
    return undefined;
  }
  return ended ? Buffer.concat(parts) : undefined;
}

/** The first frame alone, where more bytes follow that are none: the padding of a sector. */
export function firstFrame(input: Uint8Array): Uint8Array {
  const bytes = Buffer.from(input.buffer, input.byteOffset, input.byteLength);
  if (bytes.length < 6 || bytes.readUInt32LE(0) !== MAGIC) return input;
  const descriptor = bytes.readUInt8(4);
  const single = (descriptor & 0x20) !== 0;
  const size = descriptor >>> 6;
  const content = size === 0 ? Number(single) : 2 ** size;
  let at = 5 + (single ? 0 : 1) + ([0, 1, 2, 4][descriptor & 3] as number) + content;
  for (let last = false; !last; ) {
    if (at + 3 > bytes.length) return input;
    const head = bytes.readUIntLE(at, 3);
    last = (head & 1) !== 0;
    // A block of one repeated byte holds just that.
    at += 3 + (((head >>> 1) & 3) === 1 ? 1 : head >>> 3);
  }
  return input.subarray(0, at + (descriptor & 4 ? 4 : 0));
}

/** The memory that a frame asks for, from its header (3.1.1.1); infinite for what is no frame. */
function windowOf(input: Uint8Array): number {
  const bytes = Buffer.from(input.buffer, input.byteOffset, Math.min(18, input.byteLength));
  if (bytes.length < 6 || bytes.readUInt32LE(0) !== MAGIC) return Number.POSITIVE_INFINITY;
  const descriptor = bytes.readUInt8(4);
  const single = (descriptor & 0x20) !== 0;
  if (!single) {
    const byte = bytes.readUInt8(5);
    const base = 2 ** (10 + (byte >>> 3));
    return base + (base / 8) * (byte & 7);
  }
  const at = 5 + ([0, 1, 2, 4][descriptor & 3] as number);
  const size = descriptor >>> 6;
  if (at + 2 ** size > bytes.length) return Number.POSITIVE_INFINITY;
  if (size === 0) return bytes.readUInt8(at);
  if (size === 1) return bytes.readUInt16LE(at) + 256;
  if (size === 2) return bytes.readUInt32LE(at);
  return Number(bytes.readBigUInt64LE(at));
}
