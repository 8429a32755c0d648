// Reads: .xz files: LZMA2, the x86 filter, several blocks and streams; checks of CRC-32.
// Specification: "The .xz File Format" 1.2.
// Does not read: filters for other processors and delta; checks by CRC-64 and SHA-256 are not computed.
import { crc32 } from 'node:zlib';
import { LzmaDecoder, LzmaOutput } from './lzma.ts';
import { decodeX86 } from './x86-filter.ts';

const MAGIC = Buffer.from('fd377a585a00', 'hex');
const CHECK_SIZES = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64];
const FILTER_X86 = 4;
const FILTER_LZMA2 = 0x21;

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
  const check = CHECK_SIZES[bytes.readUInt8(start + 7) & 15] as number;
  let at = start + 12;
  while (bytes.readUInt8(at) !== 0) at = block(bytes, at, check, out);
  // The index lists the blocks, and the footer says how long it is.
  const indexStart = at;
  const [count, afterCount] = vli(bytes, at + 1);
  at = afterCount;
  for (let i = 0; i < count * 2; i++) at = vli(bytes, at)[1];
  at = indexStart + Math.ceil((at - indexStart) / 4) * 4;
  need(bytes.readUInt32LE(at) === crc32(bytes.subarray(indexStart, at)), 'the index');
  need(bytes.toString('latin1', at + 14, at + 16) === 'YZ', 'the stream footer');
  return at + 16;
}

function block(bytes: Buffer, start: number, checkSize: number, out: LzmaOutput): number {
  const headerSize = (bytes.readUInt8(start) + 1) * 4;
  need(
    bytes.readUInt32LE(start + headerSize - 4) === crc32(bytes.subarray(start, start + headerSize - 4)),
    'a block header',
  );
  const flags = bytes.readUInt8(start + 1);
  let at = start + 2;
  for (const bit of [0x40, 0x80]) if (flags & bit) at = vli(bytes, at)[1];
  let x86 = false;
  for (let i = 0; i <= (flags & 3); i++) {
    const [id, afterId] = vli(bytes, at);
    const [size, afterSize] = vli(bytes, afterId);
    at = afterSize + size;
    const last = i === (flags & 3);
    need(last ? id === FILTER_LZMA2 : id === FILTER_X86, `the filter ${id}`);
    x86 ||= id === FILTER_X86;
  }
  const from = out.length;
  at = lzma2(bytes, start + headerSize, out);
  const content = out.bytes.subarray(from, out.length);
  if (x86) decodeX86(content);
  at = start + Math.ceil((at - start) / 4) * 4;
  if (checkSize === 4) need(bytes.readUInt32LE(at) === crc32(content), 'the check of a block');
  return at + checkSize;
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
    need(!decoder.decode(out, out.length + size), 'an end mark');
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
