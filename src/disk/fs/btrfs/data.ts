import { isGvmError } from '../../../errors/index.ts';
import { corrupt } from '../../trouble.ts';
import type { Copy } from './chunks.ts';
import { ITEM_TYPE, type TreeRoot, type Trees } from './tree.ts';

/** The object of all checksums of data: -10. */
const SUMS = 2n ** 64n - 10n;

/** Reads what files hold by logical addresses, each sector checked by its sum where it has one. */
export class DataReader {
  readonly #trees: Trees;
  readonly #root: TreeRoot | undefined;

  /** @param root the tree of checksums; undefined where there is none */
  constructor(trees: Trees, root: TreeRoot | undefined) {
    this.#trees = trees;
    this.#root = root;
  }

  /**
   * The first copy of each run that is sound.
   * @throws GvmError `corrupt` where no copy is
   */
  async read(logical: number, length: number, signal?: AbortSignal): Promise<Buffer> {
    const { sectorSize } = this.#trees.sb;
    const start = logical - (logical % sectorSize);
    const end = Math.ceil((logical + length) / sectorSize) * sectorSize;
    const sums = await this.#sums(start, end, signal);
    const parts: Buffer[] = [];
    for (let at = start; at < end; ) {
      const run = this.#trees.chunks.run(at);
      const size = Math.min(run.length, end - at);
      parts.push(await this.#sound(run.copies, at, size, sums, signal));
      at += size;
    }
    const bytes = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
    return bytes.subarray(logical - start, logical - start + length);
  }

  async #sound(
    copies: readonly Copy[],
    logical: number,
    length: number,
    sums: ReadonlyMap<number, Buffer>,
    signal?: AbortSignal,
  ): Promise<Buffer> {
    const { sum, sectorSize } = this.#trees.sb;
    let trouble: unknown;
    for (const { source, at } of copies) {
      try {
        const bytes = await source.read(at, length, signal);
        for (let from = 0; from < length; from += sectorSize) {
          const expected = sums.get(logical + from);
          if (expected && !sum.of(bytes.subarray(from, from + sectorSize)).equals(expected)) {
            throw corrupt('Btrfs data', at + from, `the checksum of the logical address ${logical + from} is wrong`);
          }
        }
        return bytes;
      } catch (error) {
        if (!isGvmError(error)) throw error;
        trouble ??= error;
      }
    }
    throw trouble;
  }

  /** The sums of the sectors of a range, by their addresses. Files may be written without. */
  async #sums(start: number, end: number, signal?: AbortSignal): Promise<Map<number, Buffer>> {
    const found = new Map<number, Buffer>();
    if (!this.#root) return found;
    const { sum, sectorSize, nodeSize } = this.#trees.sb;
    // An item is never larger than its node, so one that reaches into the range does not begin long before it.
    const reach = Math.ceil(nodeSize / sum.size) * sectorSize;
    const key = (offset: number) => ({ object: SUMS, type: ITEM_TYPE.sum, offset: BigInt(Math.max(0, offset)) });
    for await (const { key: at, data } of this.#trees.items(this.#root, key(start - reach), key(end - 1), signal)) {
      const first = Number(at.offset);
      const skipped = Math.max(0, Math.floor((start - first) / sectorSize));
      for (let i = skipped; (i + 1) * sum.size <= data.length; i++) {
        const address = first + i * sectorSize;
        if (address >= end) break;
        if (address >= start) found.set(address, data.slice(i * sum.size, sum.size));
      }
    }
    return found;
  }
}
