// Reads: .xz files: LZMA2, the x86 filter, several blocks and streams; checks by CRC-32, CRC-64 and SHA-256.
// Specification: "The .xz File Format" 1.2.
// Does not read: filters for other processors and delta.
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { crc64 } from './crc64.ts';
import { LzmaDecoder, LzmaOutput } from './lzma.ts';
import { decodeX86 } from './x86-filter.ts';

const MAGIC = Buffer.from('fd377a585a00', 'hex');
const CHECK_SIZES = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64];
/** By their number in the flags of a stream (2.1.1.2); what has another number is passed over, as xz does. */
const CHECKS: Readonly<Record<number, (content: Buffer) => Buffer>> = {
  1: (content) => littleEndian(BigInt(crc32(content))).subarray(0, 4),
  4: (content) => littleEndian(crc64(content)),
  10: (content) => createHash('sha256').update(content).digest(),
};
const FILTER_X86 = 4;
const FILTER_LZMA2 = 0x21;

/** What the index must say of a block: its bytes without padding, and those it holds. */
interface Block {
  size: number;
  length: number;
}

/** @returns the bytes, at most `limit`; undefined for what is damaged, longer, or filtered in a way that is not read */
export function decodeXz(input: Uint8Array, limit: number): Buffer | undefined {
  try {
    const bytes = Buffer.from(input.buffer, input.byteOffset, input.byteLength);
    const out = new LzmaOutput(limit);
    for (let at = 0; at < bytes.length; ) {
      if (bytes.readUInt8(at) === 0) at += 4;
      else at = stream(bytes, at, out);
    }
    return out.bytes.subarray(0, out.length);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function need(condition: boolean, what: string): void {
  if (!condition) throw new RangeError(what);
}

/** One stream. @returns the offset behind it */
function stream(bytes: Buffer, start: number, out: LzmaOutput): number {
  need(bytes.subarray(start, start + 6).equals(MAGIC), 'the magic number');
  need(bytes.readUInt32LE(start + 8) === crc32(bytes.subarray(start + 6, start + 8)), 'the stream flags');
  const flags = bytes.readUInt16LE(start + 6);
  need((flags & ~0x0f00) === 0, 'the reserved bits of the stream flags');
  const check = flags >>> 8;
  const blocks: Block[] = [];
  let at = start + 12;
  while (bytes.readUInt8(at) !== 0) {
    const next = block(bytes, at, check, out);
    blocks.push(next);
    at += padded(next.size);
  }
  const length = index(bytes, at, blocks);
  at += length;
  need(bytes.readUInt32LE(at) === crc32(bytes.subarray(at + 4, at + 10)), 'the checksum of the stream footer');
  need((bytes.readUInt32LE(at + 4) + 1) * 4 === length, 'the length of the index');
  need(bytes.readUInt16LE(at + 8) === flags, 'the stream flags of the footer');
  need(bytes.toString('latin1', at + 10, at + 12) === 'YZ', 'the stream footer');
  return at + 12;
}

/** The list of all blocks behind them. @returns its bytes */
function index(bytes: Buffer, start: number, blocks: readonly Block[]): number {
  let [count, at] = vli(bytes, start + 1);
  need(count === blocks.length, 'the number of blocks');
  for (const value of blocks.flatMap(({ size, length }) => [size, length])) {
    [count, at] = vli(bytes, at);
    need(count === value, 'a record of the index');
  }
  const size = padded(at - start);
  need(bytes.readUInt32LE(start + size) === crc32(bytes.subarray(start, start + size)), 'the index');
  return size + 4;
}

/** Structures begin at multiples of four bytes. */
const padded = (size: number) => Math.ceil(size / 4) * 4;

function littleEndian(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
}

function block(bytes: Buffer, start: number, check: number, out: LzmaOutput): Block {
  const { body, packed, unpacked, x86 } = blockHeader(bytes, start);
  const from = out.length;
  let at = lzma2(bytes, body, out);
  const content = out.bytes.subarray(from, out.length);
  if (x86) decodeX86(content);
  need((packed ?? at - body) === at - body, 'the packed size of a block');
  need((unpacked ?? content.length) === content.length, 'the size of a block');
  const size = at - start;
  for (; at < start + padded(size); at++) need(bytes.readUInt8(at) === 0, 'the padding of a block');
  const stored = bytes.subarray(at, at + (CHECK_SIZES[check] as number));
  need(CHECKS[check]?.(content).equals(stored) ?? true, 'the check of a block');
  return { size: size + stored.length, length: content.length };
}

/** Where the data of a block begins, the sizes that its header may have, and whether the x86 filter is to be undone. */
function blockHeader(bytes: Buffer, start: number) {
  const body = start + (bytes.readUInt8(start) + 1) * 4;
  need(bytes.readUInt32LE(body - 4) === crc32(bytes.subarray(start, body - 4)), 'a block header');
  const flags = bytes.readUInt8(start + 1);
  need((flags & 0x3c) === 0, 'the reserved bits of the block flags');
  let at = start + 2;
  const [packed, unpacked] = [0x40, 0x80].map((bit) => {
    if (!(flags & bit)) return undefined;
    const [value, next] = vli(bytes, at);
    at = next;
    return value;
  });
  let x86 = false;
  for (let i = 0; i <= (flags & 3); i++) {
    const [id, afterId] = vli(bytes, at);
    const [size, afterSize] = vli(bytes, afterId);
    at = afterSize + size;
    // The one's property is the size of its dictionary (5.3.1); the other's, seldom there, where its code begins.
    const known =
      i === (flags & 3)
        ? id === FILTER_LZMA2 && size === 1 && bytes.readUInt8(afterSize) <= 40
        : id === FILTER_X86 && size === 0;
    need(known, `the filter ${id}`);
    x86 ||= id === FILTER_X86;
  }
  need(at <= body - 4 && bytes.subarray(at, body - 4).every((byte) => byte === 0), 'the padding of a block header');
  return { body, packed, unpacked, x86 };
}

/** The chunks of LZMA2: each begins with what it resets. */
function lzma2(bytes: Buffer, start: number, out: LzmaOutput): number {
  const decoder = new LzmaDecoder();
  let known = false;
  out.start = out.length;
  for (let at = start; ; ) {
    const control = bytes.readUInt8(at);
    if (control === 0) return at + 1;
    if (control === 1 || control >= 0xe0) out.start = out.length;
    if (control < 0x80) {
      need(control <= 2, 'a chunk');
      const size = bytes.readUInt16BE(at + 1) + 1;
      const data = bytes.subarray(at + 3, at + 3 + size);
      need(data.length === size && out.length + size <= out.bytes.length, 'a stored chunk');
      data.copy(out.bytes, out.length);
      out.length += size;
      at += 3 + size;
      continue;
    }
    const size = ((control & 0x1f) << 16) + bytes.readUInt16BE(at + 1) + 1;
    const packed = bytes.readUInt16BE(at + 3) + 1;
    at += 5;
    const reset = (control >>> 5) & 3;
    if (reset >= 2) {
      decoder.properties(bytes.readUInt8(at++));
      known = true;
    } else if (reset === 1) decoder.reset();
    need(known && at + packed <= bytes.length && out.length + size <= out.bytes.length, 'a chunk of LZMA');
    decoder.begin(bytes.subarray(at, at + packed));
    need(!decoder.decode(out, out.length + size) && decoder.finished, 'the end of a chunk');
    at += packed;
  }
}

/** A number in groups of seven bits, and the offset behind it. */
function vli(bytes: Buffer, start: number): [value: number, next: number] {
  let value = 0;
  for (let i = 0; i < 7; i++) {
    const byte = bytes.readUInt8(start + i);
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return [value, start + i + 1];
  }
  throw new RangeError('a number');
}
