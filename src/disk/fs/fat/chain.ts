import type { BlockSource } from '../../source/source.ts';
import { corrupt } from '../../trouble.ts';
import type { BootSector } from './boot-sector.ts';

const PIECE = 2 ** 14;

/** The file allocation table: for each cluster the next one. */
export class AllocationTable {
  readonly #source: BlockSource;
  readonly #boot: BootSector;
  #piece: { index: number; bytes: Buffer } | undefined;

  constructor(source: BlockSource, boot: BootSector) {
    this.#source = source;
    this.#boot = boot;
  }

  /** The entry of a cluster as it stands there. */
  async entry(cluster: number, signal?: AbortSignal): Promise<number> {
    const { kind } = this.#boot;
    const at = Math.floor((cluster * kind) / 8);
    const index = Math.floor(at / PIECE);
    if (this.#piece?.index !== index) {
      // A byte more, because an entry of FAT12 may lie across the border.
      const length = Math.min(PIECE + 1, this.#boot.tableSize - index * PIECE);
      this.#piece = { index, bytes: await this.#source.read(this.#boot.table + index * PIECE, length, signal) };
    }
    const { bytes } = this.#piece;
    const within = at - index * PIECE;
    if (kind === 32) return bytes.readUInt32LE(within) & 0x0fffffff;
    const word = bytes.readUInt16LE(within);
    if (kind === 16) return word;
    return cluster % 2 === 0 ? word & 0xfff : word >>> 4;
  }

  /** The cluster that follows; undefined at the end of a chain. @throws GvmError `corrupt` */
  async next(cluster: number, signal?: AbortSignal): Promise<number | undefined> {
    const entry = await this.entry(cluster, signal);
    const top = this.#boot.kind === 32 ? 0x0fffffff : 2 ** this.#boot.kind - 1;
    if (entry >= top - 7) return undefined;
    this.check(entry, `cluster ${cluster}`);
    return entry;
  }

  /** @throws GvmError `corrupt` when a number is that of no cluster */
  check(cluster: number, from: string): void {
    if (cluster >= 2 && cluster < this.#boot.clusters + 2) return;
    throw corrupt('FAT', this.#boot.table, `${from} leads to cluster ${cluster} of ${this.#boot.clusters}`);
  }

  async free(signal?: AbortSignal): Promise<number> {
    let count = 0;
    for (let cluster = 2; cluster < this.#boot.clusters + 2; cluster++) {
      if ((await this.entry(cluster, signal)) === 0) count++;
    }
    return count;
  }
}

export interface ClusterRun {
  /** First cluster, counted within the chain. */
  logical: number;
  cluster: number;
  count: number;
}

/** Clusters between two marks of a chain: from the nearest mark a place is found without following all before it. */
const MARK = 1024;

/** The chain of clusters of one file. */
export class ClusterChain {
  readonly #table: AllocationTable;
  readonly #most: number;
  /** Each {@link MARK}th cluster, as far as the chain was followed. */
  readonly #marks: number[];

  constructor(table: AllocationTable, boot: BootSector, first: number) {
    this.#table = table;
    this.#most = boot.clusters;
    this.#marks = [first];
  }

  /** The runs from a cluster of the chain up to and without another; ends early where the chain ends. */
  async *runs(from: number, to: number, signal?: AbortSignal): AsyncGenerator<ClusterRun> {
    const mark = Math.min(Math.floor(from / MARK), this.#marks.length - 1);
    let cluster: number | undefined = this.#marks[mark];
    let run: ClusterRun | undefined;
    for (let at = mark * MARK; cluster !== undefined && at < to; at++) {
      if (at >= this.#most) throw corrupt('FAT', 0, `a chain of more than ${this.#most} clusters: it has a loop`);
      if (at % MARK === 0) this.#marks[at / MARK] = cluster;
      if (at >= from) {
        if (run && run.cluster + run.count === cluster) run.count++;
        else {
          if (run) yield run;
          run = { logical: at, cluster, count: 1 };
        }
      }
      cluster = at + 1 < to ? await this.#table.next(cluster, signal) : undefined;
    }
    if (run) yield run;
  }
}
