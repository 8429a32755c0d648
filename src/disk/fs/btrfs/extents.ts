import type { ByteView } from '../../../core/index.ts';
import { decompressors } from '../../codec/decompress.ts';
import { firstFrame } from '../../codec/zstd.ts';
import { unsupported, view } from '../../trouble.ts';
import type { ChunkMap } from './chunks.ts';
import type { DataReader } from './data.ts';
import { ITEM_TYPE, type Item, type TreeRoot, type Trees } from './tree.ts';

/** What extents are read by. */
interface Reader {
  trees: Trees;
  data: DataReader;
}

/** A compressed extent holds at most this much (BTRFS_MAX_UNCOMPRESSED). */
const LARGEST_PACKED = 2 ** 17;
const INLINE_HEAD = 21;
const LZO_PAGE = 4096;

/** One extent of a file. */
export interface Extent {
  /** Bytes within the file. */
  offset: number;
  length: number;
  kind: 'inline' | 'data' | 'hole' | 'unwritten' | 'packed';
  /** Reads bytes of it, counted from its beginning. */
  read(from: number, length: number, signal?: AbortSignal): Promise<Buffer>;
  /** Bytes from the beginning of the device, where there is one alone. */
  disk: number | undefined;
}

/**
 * The extents of a file that meet a range, in order; holes that are not written are left out.
 * @throws GvmError `corrupt`, `unsupported`
 */
export async function* fileExtents(
  reader: Reader,
  root: TreeRoot,
  ino: number,
  from: number,
  to: number,
  signal?: AbortSignal,
): AsyncGenerator<Extent> {
  const key = (offset: number) => ({ object: BigInt(ino), type: ITEM_TYPE.extent, offset: BigInt(offset) });
  // An extent that begins before the range may reach into it; one item is at most 128 MiB, 128 KiB where it is compressed.
  let least = 0;
  const start = Math.max(0, from - 2 ** 27);
  for await (const item of reader.trees.items(root, key(start), key(Math.max(0, to - 1)), signal)) {
    const extent = parseExtent(reader, item);
    if (extent.offset < least) throw item.data.corrupt(0, `extents of inode ${ino} overlap at ${extent.offset}`);
    least = extent.offset + extent.length;
    if (least > from) yield extent;
  }
}

function parseExtent(reader: Reader, { key, data }: Item): Extent {
  const offset = Number(key.offset);
  if (!Number.isSafeInteger(offset)) throw data.corrupt(0, `an extent at ${key.offset}`);
  const [unpacked, compression, kind] = [data.u64le(8), data.u8(16), data.u8(20)];
  if (data.u8(17) !== 0 || data.u16le(18) !== 0) throw unsupported('Btrfs extent', 'encrypted extents');
  if (compression > 3) throw unsupported('Btrfs extent', `compression number ${compression}`);
  const part = (bytes: Buffer, from: number, length: number) => bytes.subarray(from, from + length);
  if (kind === 0) {
    if (unpacked > LARGEST_PACKED) throw data.corrupt(8, `inline data of ${unpacked} bytes`);
    const stored = data.view(INLINE_HEAD, data.length - INLINE_HEAD);
    const bytes = compression === 0 ? stored.bytes : unpack(stored, compression, unpacked);
    if (bytes.length < unpacked)
      throw data.corrupt(8, `${bytes.length} bytes of inline data where ${unpacked} are said`);
    return {
      offset,
      length: unpacked,
      kind: 'inline',
      disk: undefined,
      read: async (from, length) => part(bytes, from, length),
    };
  }
  if (kind > 2) throw data.corrupt(20, `an extent of kind ${kind}`);
  const [address, size, within, length] = [data.u64le(21), data.u64le(29), data.u64le(37), data.u64le(45)];
  if (length === 0 || !Number.isSafeInteger(offset + length)) throw data.corrupt(45, `an extent of ${length} bytes`);
  const zeros = async (_from: number, count: number) => Buffer.alloc(count);
  if (address === 0) return { offset, length, kind: 'hole', disk: undefined, read: zeros };
  if (kind === 2) return { offset, length, kind: 'unwritten', disk: undefined, read: zeros };
  if (compression === 0) {
    const disk = placeOf(reader.trees.chunks, address + within, length);
    const read = (from: number, count: number, signal?: AbortSignal) =>
      reader.data.read(address + within + from, count, signal);
    return { offset, length, kind: 'data', disk, read };
  }
  if (size > LARGEST_PACKED || unpacked > LARGEST_PACKED || within + length > unpacked) {
    throw data.corrupt(29, `a compressed extent of ${size} bytes, unpacked ${unpacked}`);
  }
  let bytes: Promise<Buffer> | undefined;
  const load = async (signal?: AbortSignal) => {
    const stored = await reader.data.read(address, size, signal);
    return unpack(view(stored, 'Btrfs compressed extent', address), compression, unpacked);
  };
  const read = async (from: number, count: number, signal?: AbortSignal) => {
    bytes ??= load(signal);
    const whole = await bytes;
    if (within + from + count > whole.length)
      throw data.corrupt(8, `an extent unpacks to ${whole.length} bytes, not ${unpacked}`);
    return part(whole, within + from, count);
  };
  return { offset, length, kind: 'packed', disk: undefined, read };
}

function placeOf(chunks: ChunkMap, logical: number, length: number): number | undefined {
  const run = chunks.run(logical);
  return chunks.devices.size === 1 && run.length >= length ? run.copies[0]?.at : undefined;
}

function unpack(stored: ByteView, compression: number, limit: number): Buffer {
  const bytes =
    compression === 1
      ? decompressors.zlib(stored.bytes, limit)
      : compression === 2
        ? unpackLzo(stored, limit)
        : decompressors.zstd(firstFrame(stored.bytes), limit);
  if (!bytes) throw stored.corrupt(0, 'it cannot be decompressed');
  // What follows the data in its last sector unpacks to zeros.
  return bytes.length < limit ? Buffer.concat([bytes, Buffer.alloc(limit - bytes.length)]) : bytes;
}

/** LZO stands in segments with their lengths before them; a length is never cut by the end of a page. */
function unpackLzo(stored: ByteView, limit: number): Buffer | undefined {
  const total = stored.u32le(0);
  const parts: Buffer[] = [];
  let length = 0;
  for (let at = 4; at + 4 <= Math.min(total, stored.length) && length < limit; ) {
    if (LZO_PAGE - (at % LZO_PAGE) < 4) at = Math.ceil(at / LZO_PAGE) * LZO_PAGE;
    const size = stored.u32le(at);
    const part = decompressors.lzo(stored.slice(at + 4, size), Math.min(LZO_PAGE, limit - length));
    if (!part) return undefined;
    parts.push(part);
    length += part.length;
    at += 4 + size;
  }
  return Buffer.concat(parts);
}
