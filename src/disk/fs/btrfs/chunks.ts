import type { ByteView } from '../../../core/index.ts';
import { corrupt, unsupported } from '../../trouble.ts';

const RAID0 = 1 << 3;
const RAID10 = 1 << 6;
const RAID56 = (1 << 7) | (1 << 8);
const STRIPE = 32;
const FIRST_STRIPE = 48;

interface Chunk {
  logical: number;
  length: number;
  /** Bytes from the beginning of the device. */
  physical: number;
}

/** Where logical addresses lie on the device. */
export class ChunkMap {
  readonly #chunks: Chunk[] = [];
  readonly #device: number;
  readonly #deviceSize: number;

  constructor(device: number, deviceSize: number) {
    this.#device = device;
    this.#deviceSize = deviceSize;
  }

  /** Takes a chunk item. @returns its length in bytes. @throws GvmError `corrupt`, `unsupported` (striped over devices) */
  add(logical: number, item: ByteView): number {
    const [length, kind, stripes] = [item.u64le(0), item.u64le(24), item.u16le(44)];
    const size = FIRST_STRIPE + stripes * STRIPE;
    if (stripes === 0 || size > item.length) throw item.corrupt(44, `a chunk of ${stripes} stripes`);
    if (kind & RAID56 || (kind & (RAID0 | RAID10) && stripes > 1)) {
      throw unsupported('Btrfs chunk', 'data striped over several devices (RAID 0, 10, 5, 6)');
    }
    // Copies are alike, so the first on this device will do.
    for (let i = 0; i < stripes; i++) {
      const at = FIRST_STRIPE + i * STRIPE;
      if (item.u64le(at) !== this.#device) continue;
      const physical = item.u64le(at + 8);
      if (length === 0 || physical + length > this.#deviceSize || logical + length > Number.MAX_SAFE_INTEGER) {
        throw item.corrupt(at + 8, `a chunk of ${length} bytes at ${physical}`);
      }
      if (!this.#chunks.some((chunk) => chunk.logical === logical)) this.#chunks.push({ logical, length, physical });
      return size;
    }
    throw unsupported('Btrfs chunk', 'a chunk without a copy on this device');
  }

  sort(): void {
    this.#chunks.sort((a, b) => a.logical - b.logical);
  }

  /** The place of a range. @throws GvmError `corrupt` when it does not lie in one chunk */
  resolve(logical: number, length: number): number {
    let [low, high] = [0, this.#chunks.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#chunks[middle] as Chunk).logical <= logical) low = middle + 1;
      else high = middle;
    }
    const chunk = this.#chunks[low - 1];
    if (chunk && logical + length <= chunk.logical + chunk.length) return chunk.physical + logical - chunk.logical;
    throw corrupt('Btrfs address', logical, `${length} bytes at the logical address ${logical} lie in no chunk`);
  }
}
