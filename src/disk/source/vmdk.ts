// Reads: the disk of a chain of VMDK images, flat, sparse and compressed. Specification: VMware, Virtual Disk Format 5.0.
// Does not read: what src/disk/image/vmdk*.ts refuse. The audit has said which files may be opened.
import { promisify } from 'node:util';
import { inflate } from 'node:zlib';
import { ReleaseStack } from '../../core/index.ts';
import { GvmError } from '../../errors/index.ts';
import { ImageFile } from '../image/image-file.ts';
import type { ImageLayer } from '../image/layer.ts';
import type { VmdkExtent } from '../image/vmdk-descriptor.ts';
import { readSparseHeader, type SparseHeader } from '../image/vmdk-header.ts';
import { FileSource } from './file.ts';
import { MappedSource } from './mapped.ts';
import { SliceSource } from './slice.ts';
import { type BlockSource, checkRange, type Extent } from './source.ts';
import { ZeroSource } from './zero.ts';

const SECTOR = 512;
/** Grain tables of 2 KiB that are kept. */
const TABLES_KEPT = 1024;
const MARKER = 12;
const unpack = promisify(inflate);

/** @param layers audited, top first @throws GvmError `image-corrupt`, `image-refused`; system errors of the files */
export async function openVmdk(layers: readonly ImageLayer[]): Promise<BlockSource> {
  const releases = new ReleaseStack();
  let disk: BlockSource | undefined;
  try {
    for (const layer of [...layers].reverse()) disk = await openLayer(layer, disk, releases);
  } catch (error) {
    await releases[Symbol.asyncDispose]();
    throw error;
  }
  const top = disk ?? new ZeroSource(0);
  return {
    size: top.size,
    read: (offset, length, signal) => top.read(offset, length, signal),
    extents: (offset, length, signal) => top.extents(offset, length, signal),
    [Symbol.asyncDispose]: () => releases[Symbol.asyncDispose](),
  };
}

/** The extents of a layer, one after the other. */
async function openLayer(
  { path, extents, virtualSize }: ImageLayer,
  below: BlockSource | undefined,
  releases: ReleaseStack,
): Promise<BlockSource> {
  if (!extents) throw new GvmError({ code: 'internal', message: `${path} was not audited` });
  const parts: { start: number; source: BlockSource }[] = [];
  let start = 0;
  for (const extent of extents) {
    const under = below && part(below, start, extent.length);
    parts.push({ start, source: await openExtent(path, extent, under, releases) });
    start += extent.length;
  }
  return new MappedSource(virtualSize, (offset) => {
    // Few, and in order; a disk of thousands of extents is 2 GiB in each.
    const at = parts.findLast((one) => one.start <= offset) ?? { start: 0, source: new ZeroSource(0) };
    return { source: at.source, at: offset - at.start, length: at.start + at.source.size - offset };
  });
}

/** A part of the disk below, which may be smaller than the one above it. */
function part(below: BlockSource, start: number, length: number): BlockSource | undefined {
  return start < below.size ? new SliceSource(below, start, Math.min(length, below.size - start)) : undefined;
}

async function openExtent(
  layer: string,
  { kind, length, file, offset }: VmdkExtent,
  below: BlockSource | undefined,
  releases: ReleaseStack,
): Promise<BlockSource> {
  if (kind === 'zero' || file === undefined) return new ZeroSource(length);
  if (kind === 'sparse') {
    const opened = releases.use(await ImageFile.open(file));
    const header = await readSparseHeader(opened);
    if (header.capacity === length) return new SparseSource(opened, header, below);
    throw opened.corrupt('VMDK header', 12, `the VMDK header says ${header.capacity} bytes, and ${layer} ${length}`);
  }
  const opened = releases.use(await FileSource.open(file));
  if (offset + length <= opened.size) return new SliceSource(opened, offset, length);
  const whole = releases.use(await ImageFile.open(file));
  throw whole.beyond('flat VMDK extent', offset, length);
}

/** One sparse extent: a directory of tables of grains. What it does not hold is the disk's below. */
class SparseSource implements BlockSource {
  readonly size: number;
  readonly #file: ImageFile;
  readonly #header: SparseHeader;
  readonly #below: BlockSource | undefined;
  #directory: Buffer | undefined;
  readonly #tables = new Map<number, Buffer>();

  constructor(file: ImageFile, header: SparseHeader, below: BlockSource | undefined) {
    this.size = header.capacity;
    this.#file = file;
    this.#header = header;
    this.#below = below;
  }

  async read(offset: number, length: number, signal?: AbortSignal): Promise<Buffer> {
    checkRange(this, offset, length);
    const { grain } = this.#header;
    const parts: Buffer[] = [];
    for (let at = offset; at < offset + length; ) {
      signal?.throwIfAborted();
      const within = at % grain;
      const run = Math.min(grain - within, offset + length - at);
      parts.push(await this.#grain(at - within, within, run, signal));
      at += run;
    }
    return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts, length);
  }

  async #grain(start: number, within: number, length: number, signal?: AbortSignal): Promise<Buffer> {
    const sector = await this.#sectorOf(start);
    if (sector === 0) return this.#under(start + within, length, signal);
    if (sector === 1 && this.#header.zeroGrains) return Buffer.alloc(length);
    if (this.#header.compressed) return (await this.#packed(start, sector)).subarray(within, within + length);
    return this.#file.read(sector * SECTOR + within, length, 'VMDK grain');
  }

  async #under(offset: number, length: number, signal?: AbortSignal): Promise<Buffer> {
    const there = Math.max(0, Math.min(length, (this.#below?.size ?? 0) - offset));
    if (!this.#below || there === 0) return Buffer.alloc(length);
    const bytes = await this.#below.read(offset, there, signal);
    return there === length ? bytes : Buffer.concat([bytes], length);
  }

  async #packed(start: number, sector: number): Promise<Buffer> {
    const { grain, markers } = this.#header;
    const at = sector * SECTOR;
    const most = Math.min(2 * grain + SECTOR, this.#file.size - at);
    if (most < MARKER) throw this.#file.beyond('VMDK grain', at, SECTOR);
    let bytes = await this.#file.read(at, most, 'VMDK grain');
    if (markers) {
      const [place, length] = [Number(bytes.readBigUInt64LE(0)) * SECTOR, bytes.readUInt32LE(8)];
      if (place !== start || length === 0 || MARKER + length > bytes.length) {
        const what = `the grain of ${start} is marked as that of ${place}, with ${length} bytes`;
        throw this.#file.corrupt('VMDK grain', at, what);
      }
      bytes = bytes.subarray(MARKER, MARKER + length);
    }
    try {
      const plain = await unpack(bytes, { maxOutputLength: grain });
      // The last grain may be cut where the disk ends.
      if (plain.length >= Math.min(grain, this.size - start)) return plain;
    } catch {}
    throw this.#file.corrupt('VMDK grain', at, `the grain of ${start} cannot be unpacked to ${grain} bytes`);
  }

  /** Where a grain lies, in sectors; 0 where it is not here. */
  async #sectorOf(start: number): Promise<number> {
    const { grain, perTable, directory } = this.#header;
    const number = Math.floor(start / grain);
    const index = Math.floor(number / perTable);
    this.#directory ??= await this.#file.read(directory.at, directory.tables * 4, 'grain directory');
    const at = this.#directory.readUInt32LE(index * 4) * SECTOR;
    if (at === 0) return 0;
    let table = this.#tables.get(index);
    if (!table) {
      table = await this.#file.read(at, perTable * 4, 'grain table');
      this.#tables.set(index, table);
      for (const oldest of this.#tables.keys()) {
        if (this.#tables.size <= TABLES_KEPT) break;
        this.#tables.delete(oldest);
      }
    }
    return table.readUInt32LE((number % perTable) * 4);
  }

  async *extents(offset: number, length: number, signal?: AbortSignal): AsyncGenerator<Extent> {
    checkRange(this, offset, length);
    const { grain, zeroGrains } = this.#header;
    for (let at = offset; at < offset + length; ) {
      signal?.throwIfAborted();
      const run = Math.min(grain - (at % grain), offset + length - at);
      const sector = await this.#sectorOf(at - (at % grain));
      const zero = sector === 1 && zeroGrains;
      if (sector !== 0 || zero) yield { offset: at, length: run, zero, hole: false };
      else if (this.#below && at + run <= this.#below.size) yield* this.#below.extents(at, run, signal);
      else yield { offset: at, length: run, zero: this.#below === undefined || at >= this.#below.size, hole: true };
      at += run;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
