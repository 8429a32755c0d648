import type { ByteView } from '../../../core/index.ts';
import type { BlockSource } from '../../source/source.ts';
import { corrupt, unsupported } from '../../trouble.ts';

const RAID0 = 1 << 3;
const RAID10 = 1 << 6;
const RAID56 = (1 << 7) | (1 << 8);
const STRIPE = 32;
const FIRST_STRIPE = 48;
const MOST_STRIPES = 1024;

/** The devices of a file system that are there, by their numbers. */
export type Devices = ReadonlyMap<number, { source: BlockSource; old: boolean }>;

/** One copy of a run of bytes. */
export interface Copy {
  source: BlockSource;
  /** Bytes from the beginning of that device. */
  at: number;
}

/** A run of logical addresses that lies in one piece on each device which has a copy of it. */
export interface Run {
  length: number;
  /** Those on devices that are there; never empty. */
  copies: Copy[];
}

interface Chunk {
  logical: number;
  length: number;
  stripes: { device: number; at: number }[];
  /** How many stripes hold the same bytes. */
  copies: number;
  stripeSize: number;
}

/** Where logical addresses lie on the devices. */
export class ChunkMap {
  readonly devices: Devices;
  readonly #chunks: Chunk[] = [];

  constructor(devices: Devices) {
    this.devices = devices;
  }

  /** Takes a chunk item. @returns its length in bytes. @throws GvmError `corrupt`, `unsupported` (RAID 5 and 6) */
  add(logical: number, item: ByteView): number {
    const [length, stripeSize, kind] = [item.u64le(0), item.u64le(16), item.u64le(24)];
    const [count, sub] = [item.u16le(44), item.u16le(46)];
    const size = FIRST_STRIPE + count * STRIPE;
    if (count === 0 || count > MOST_STRIPES || size > item.length)
      throw item.corrupt(44, `a chunk of ${count} stripes`);
    if (kind & RAID56) throw unsupported('Btrfs chunk', 'RAID 5 and 6');
    // Without striping all stripes are copies of each other.
    const copies = kind & RAID0 ? 1 : kind & RAID10 ? sub : count;
    if (copies === 0 || count % copies !== 0) throw item.corrupt(46, `${count} stripes in groups of ${copies}`);
    const rows = count / copies;
    if (rows > 1 && (stripeSize < 4096 || stripeSize > 2 ** 30))
      throw item.corrupt(16, `stripes of ${stripeSize} bytes`);
    if (length === 0 || logical + length > Number.MAX_SAFE_INTEGER) throw item.corrupt(0, `a chunk of ${length} bytes`);
    const stripes = Array.from({ length: count }, (_, i) => {
      const at = FIRST_STRIPE + i * STRIPE;
      const [device, start] = [item.u64le(at), item.u64le(at + 8)];
      const source = this.devices.get(device)?.source;
      if (source && start + Math.floor(length / rows) > source.size) {
        throw item.corrupt(at + 8, `a chunk of ${length} bytes at ${start}`);
      }
      return { device, at: start };
    });
    if (!this.#chunks.some((chunk) => chunk.logical === logical)) {
      this.#chunks.push({ logical, length, stripes, copies, stripeSize: rows > 1 ? stripeSize : length });
    }
    return size;
  }

  sort(): void {
    this.#chunks.sort((a, b) => a.logical - b.logical);
  }

  /** The run that begins at an address. @throws GvmError `corrupt` when there is no chunk, or no device that has it */
  run(logical: number): Run {
    let [low, high] = [0, this.#chunks.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#chunks[middle] as Chunk).logical <= logical) low = middle + 1;
      else high = middle;
    }
    const chunk = this.#chunks[low - 1];
    if (!chunk || logical >= chunk.logical + chunk.length) {
      throw corrupt('Btrfs address', logical, `the logical address ${logical} lies in no chunk`);
    }
    const offset = logical - chunk.logical;
    const number = Math.floor(offset / chunk.stripeSize);
    const within = offset % chunk.stripeSize;
    const rows = chunk.stripes.length / chunk.copies;
    const first = (number % rows) * chunk.copies;
    const place = Math.floor(number / rows) * chunk.stripeSize + within;
    const copies: Copy[] = [];
    // A device that fell behind may hold data that no sum tells from the newest: it comes last.
    for (const wanted of [false, true]) {
      for (const { device, at } of chunk.stripes.slice(first, first + chunk.copies)) {
        const found = this.devices.get(device);
        if (found?.old === wanted) copies.push({ source: found.source, at: at + place });
      }
    }
    if (copies.length === 0) {
      const device = chunk.stripes[first]?.device;
      throw corrupt(
        'Btrfs address',
        logical,
        `device ${device}, which holds the logical address ${logical}, is missing`,
      );
    }
    return { length: Math.min(chunk.stripeSize - within, chunk.length - offset), copies };
  }
}
