// Reads: Zstandard frames and their checksums, by node:zlib where it has them (Node 22.15 and later), else by fzstd.
// Specification: RFC 8878. Does not read: dictionaries.
import zlib from 'node:zlib';
import { Decompress } from 'fzstd';
import { xxh64 } from './xxh64.ts';

const MAGIC = 0xfd2fb528;
/** Of frames that hold nothing to decompress, but for the last four bits (3.1.2). */
const SKIPPABLE = 0x184d2a50;
const LEAST_WINDOW = 2 ** 23;
const MOST_FRAMES = 65_536;

type ZstdSync = (input: Uint8Array, options: { maxOutputLength: number }) => Buffer;
/** @returns the bytes of one frame, at most `limit`; undefined for what is damaged or longer */
type FrameDecoder = (frame: Uint8Array, limit: number) => Uint8Array | undefined;
const native = (zlib as unknown as { zstdDecompressSync?: ZstdSync }).zstdDecompressSync;

/** @returns the bytes of all frames, at most `limit`; undefined for what is damaged, longer or no frame */
export function decodeZstd(input: Uint8Array, limit: number): Buffer | undefined {
  return decodeFrames(input, limit, native ? byNode(native) : byFzstd);
}

/** The same by the decoder for a Node without Zstandard. */
export function decodeByFzstd(input: Uint8Array, limit: number): Buffer | undefined {
  return decodeFrames(input, limit, byFzstd);
}

function decodeFrames(input: Uint8Array, limit: number, decode: FrameDecoder): Buffer | undefined {
  const parts: Uint8Array[] = [];
  let left = limit;
  let rest = input;
  for (let frames = 1; ; frames++) {
    const frame = firstFrame(rest);
    rest = rest.subarray(frame.length);
    if (!isSkippable(frame)) {
      const part = windowOf(frame) > Math.max(limit, LEAST_WINDOW) ? undefined : decode(frame, left);
      if (!part) return undefined;
      parts.push(part);
      left -= part.length;
    }
    if (rest.length === 0) return Buffer.concat(parts);
    if (frames === MOST_FRAMES) return undefined;
  }
}

const byNode =
  (decompress: ZstdSync): FrameDecoder =>
  (frame, limit) => {
    try {
      // No length at all is not a limit that it takes.
      const bytes = decompress(frame, { maxOutputLength: Math.max(limit, 1) });
      return bytes.length <= limit ? bytes : undefined;
    } catch {
      return undefined;
    }
  };

function byFzstd(frame: Uint8Array, limit: number): Buffer | undefined {
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
    decoder.push(frame, true);
  } catch {
    return undefined;
  }
  const bytes = Buffer.concat(parts);
  return ended && isSumRight(frame, bytes) ? bytes : undefined;
}

/** Whether the checksum at the end of a frame, where it has one, is that of its content (3.1.1): fzstd passes it over. */
function isSumRight(frame: Uint8Array, content: Uint8Array): boolean {
  if (((frame[4] as number) & 4) === 0) return true;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  return view.getUint32(frame.length - 4, true) === Number(xxh64(content) & 0xffffffffn);
}

const isSkippable = (frame: Uint8Array) => frame.length >= 8 && (headOf(frame).readUInt32LE(0) & ~15) === SKIPPABLE;

const headOf = (input: Uint8Array) => Buffer.from(input.buffer, input.byteOffset, Math.min(18, input.byteLength));

/**
 * The first frame alone, where more bytes follow: other frames, or the padding of a sector. All of them where it is cut
 * short, or none.
 */
export function firstFrame(input: Uint8Array): Uint8Array {
  const bytes = Buffer.from(input.buffer, input.byteOffset, input.byteLength);
  if (isSkippable(input)) return input.subarray(0, 8 + bytes.readUInt32LE(4));
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
  const bytes = headOf(input);
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
