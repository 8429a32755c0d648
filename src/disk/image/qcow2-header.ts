// Reads: the header of a qcow2 image, versions 2 and 3, with its backing file name and header extensions.
// Specification: QEMU docs/interop/qcow2.rst ("Header", "Header extensions").
// Does not read: encrypted images, external data files, incompatible features added after extended L2 entries.
import { GvmError } from '../../errors/index.ts';
import type { ImageFile } from './image-file.ts';

export interface Qcow2Header {
  version: 2 | 3;
  clusterSize: number;
  /** Bytes of the disk that the guest sees. */
  virtualSize: number;
  backing: { name: string; format: string | undefined } | undefined;
  /** An external data file: whether the disk's bytes lie in another file. */
  externalData: boolean;
  l1: { offset: number; entries: number };
  refcounts: { offset: number; clusters: number };
  snapshots: { count: number; offset: number };
  /** Bytes of an L2 entry: 8, or 16 with subclusters. */
  l2EntrySize: 8 | 16;
}

const V2_LENGTH = 72;
const V3_LENGTH = 104;
const LONGEST_BACKING_NAME = 1023;
// QEMU's own limits: 32 MiB for the L1 table, 8 MiB for the refcount table.
const LARGEST_L1 = (32 * 2 ** 20) / 8;
const LARGEST_REFCOUNT_TABLE = 8 * 2 ** 20;

const FEATURE_CORRUPT = 1n << 1n;
const FEATURE_EXTERNAL_DATA = 1n << 2n;
const FEATURE_EXTENDED_L2 = 1n << 4n;
const KNOWN_FEATURES = 0b11111n;

const EXTENSION_BACKING_FORMAT = 0xe2792aca;

/** @throws GvmError `image-corrupt` with offset and structure, or `image-format` for a feature that is not supported. */
export async function readQcow2Header(file: ImageFile): Promise<Qcow2Header> {
  const start = await file.read(0, V2_LENGTH, 'qcow2 header');
  const version = start.readUInt32BE(4);
  if (version !== 2 && version !== 3) throw unsupported(file, `qcow2 version ${version}`);
  const clusterBits = start.readUInt32BE(20);
  if (clusterBits < 9 || clusterBits > 21) {
    throw file.corrupt('qcow2 header', 20, `the qcow2 header says clusters of 2^${clusterBits} bytes (9 to 21)`);
  }
  const clusterSize = 2 ** clusterBits;
  if (start.readUInt32BE(32) !== 0) throw unsupported(file, 'encryption');
  const extra = version === 3 ? await readVersion3(file) : { features: 0n, length: V2_LENGTH };
  if ((extra.features & FEATURE_CORRUPT) !== 0n) {
    throw file.corrupt('qcow2 header', 72, 'the image is marked as corrupt');
  }
  const unknown = extra.features & ~KNOWN_FEATURES;
  if (unknown !== 0n) throw unsupported(file, `the incompatible qcow2 features 0x${unknown.toString(16)}`);
  const l1 = { entries: start.readUInt32BE(36), offset: offsetAt(start, 40) };
  const refcounts = { offset: offsetAt(start, 48), clusters: start.readUInt32BE(56) };
  if (l1.entries > LARGEST_L1)
    throw file.corrupt('L1 table', 36, `the L1 table has ${l1.entries} entries (${LARGEST_L1})`);
  if (refcounts.clusters * clusterSize > LARGEST_REFCOUNT_TABLE) {
    throw file.corrupt('refcount table', 56, `the refcount table has ${refcounts.clusters} clusters`);
  }
  return {
    version,
    clusterSize,
    virtualSize: virtualSize(file, start),
    backing: await readBacking(file, start, clusterSize, extra.length),
    externalData: (extra.features & FEATURE_EXTERNAL_DATA) !== 0n,
    l1,
    refcounts,
    snapshots: { count: start.readUInt32BE(60), offset: offsetAt(start, 64) },
    l2EntrySize: (extra.features & FEATURE_EXTENDED_L2) !== 0n ? 16 : 8,
  };
}

async function readVersion3(file: ImageFile): Promise<{ features: bigint; length: number }> {
  const header = await file.read(0, V3_LENGTH, 'qcow2 header');
  const length = header.readUInt32BE(100);
  if (length < V3_LENGTH || length > 4096 || length % 8 !== 0) {
    throw file.corrupt('qcow2 header', 100, `the qcow2 header says that it has ${length} bytes`);
  }
  return { features: header.readBigUInt64BE(72), length };
}

function virtualSize(file: ImageFile, header: Buffer): number {
  const size = offsetAt(header, 24);
  if (Number.isSafeInteger(size) && size % 512 === 0) return size;
  throw file.corrupt('qcow2 header', 24, `the qcow2 header says a disk of ${size} bytes`);
}

async function readBacking(
  file: ImageFile,
  header: Buffer,
  clusterSize: number,
  extensionsAt: number,
): Promise<Qcow2Header['backing']> {
  const offset = offsetAt(header, 8);
  if (offset === 0) return undefined;
  const length = header.readUInt32BE(16);
  if (length === 0 || length > LONGEST_BACKING_NAME || offset + length > clusterSize) {
    throw file.corrupt('backing file name', 8, `the backing file name at offset ${offset} has ${length} bytes`);
  }
  const name = decode(await file.read(offset, length, 'backing file name'));
  if (name === undefined) throw file.corrupt('backing file name', offset, 'the backing file name is not text');
  // The extensions end where the name begins, if they have no end mark.
  const end = offset > extensionsAt ? offset : clusterSize;
  return { name, format: await readBackingFormat(file, extensionsAt, end) };
}

async function readBackingFormat(file: ImageFile, begin: number, end: number): Promise<string | undefined> {
  for (let at = begin; at + 8 <= end; ) {
    const head = await file.read(at, 8, 'header extension');
    const [type, length] = [head.readUInt32BE(0), head.readUInt32BE(4)];
    if (type === 0) return undefined;
    if (at + 8 + length > end) {
      throw file.corrupt('header extension', at, `a header extension at offset ${at} has ${length} bytes`);
    }
    if (type === EXTENSION_BACKING_FORMAT) {
      return decode(await file.read(at + 8, Math.min(length, 64), 'backing format')) ?? '';
    }
    at += 8 + Math.ceil(length / 8) * 8;
  }
  return undefined;
}

/** A 64-bit number; above 2^53 it is inexact, and beyond every file. */
function offsetAt(buffer: Buffer, at: number): number {
  return buffer.readUInt32BE(at) * 2 ** 32 + buffer.readUInt32BE(at + 4);
}

function decode(bytes: Buffer): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return text.includes('\0') ? undefined : text;
  } catch {
    return undefined;
  }
}

function unsupported(file: ImageFile, feature: string): GvmError {
  return new GvmError({
    code: 'image-format',
    message: `${file.path}: gvm does not support ${feature}`,
    hint: 'convert it with `qemu-img convert -O qcow2`',
    details: { path: file.path, feature },
  });
}
