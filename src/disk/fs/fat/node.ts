import type { ByteView } from '../../../core/index.ts';
import type { BlockSource } from '../../source/source.ts';
import { corrupt, view } from '../../trouble.ts';
import type { FileExtent, FsEntry, FsNode, NodeStat, NodeType, Timestamp, Xattr } from '../file-system.ts';
import { isDots, isName, needType } from '../node.ts';
import type { BootSector } from './boot-sector.ts';
import { type AllocationTable, ClusterChain } from './chain.ts';
import { LongName, shortName } from './names.ts';

const ATTRIBUTE = { readOnly: 0x01, label: 0x08, directory: 0x10, longName: 0x0f } as const;
const LARGEST_DIRECTORY = 2 ** 21;
/** Inode numbers of files: beyond those of clusters, which number the directories. */
const FILES = 2 ** 32;

export interface FatVolume {
  source: BlockSource;
  boot: BootSector;
  table: AllocationTable;
}

/** What a directory entry says, or for the root what stands in its place. */
interface Found {
  ino: number;
  directory: boolean;
  readOnly: boolean;
  /** 0 for an empty file and for the root of FAT12 and FAT16. */
  cluster: number;
  size: number;
  mtime: Timestamp;
  atime: Timestamp | undefined;
  btime: Timestamp | undefined;
}

/** A file of a FAT file system, with the modes that Linux gives it at umask 022. */
export class FatNode implements FsNode {
  readonly stat: NodeStat;
  readonly #volume: FatVolume;
  readonly #cluster: number;
  readonly #chain: ClusterChain | undefined;

  constructor(volume: FatVolume, found: Found) {
    const { clusterSize } = volume.boot;
    this.#volume = volume;
    this.#cluster = found.cluster;
    this.#chain = found.cluster === 0 ? undefined : new ClusterChain(volume.table, volume.boot, found.cluster);
    this.stat = {
      ino: found.ino,
      type: found.directory ? 'directory' : 'file',
      mode: found.readOnly ? 0o555 : 0o755,
      uid: 0,
      gid: 0,
      nlink: 1,
      size: found.size,
      allocated: Math.ceil(found.size / clusterSize) * clusterSize,
      mtime: found.mtime,
      atime: found.atime,
      ctime: undefined,
      btime: found.btime,
      device: undefined,
    };
  }

  static root(volume: FatVolume): FatNode {
    const cluster = volume.boot.rootCluster;
    if (volume.boot.kind === 32) volume.table.check(cluster, 'the boot sector');
    const mtime = { seconds: 0, nanoseconds: 0 };
    const times = { mtime, atime: undefined, btime: undefined };
    return new FatNode(volume, { ino: cluster || 1, directory: true, readOnly: false, cluster, size: 0, ...times });
  }

  async *entries(signal?: AbortSignal): AsyncGenerator<FsEntry> {
    for await (const entry of this.#named(signal)) yield entry;
  }

  /** Entries with both their names. */
  async *#named(signal?: AbortSignal): AsyncGenerator<FatEntry> {
    needType(this, 'directory');
    const long = new LongName();
    for await (const record of this.#records(signal)) {
      const first = record.u8(0);
      if (first === 0) return;
      const attributes = record.u8(11);
      if (first === 0xe5) long.clear();
      else if ((attributes & 0x3f) === ATTRIBUTE.longName) long.add(record);
      else if (attributes & ATTRIBUTE.label) long.clear();
      else {
        const short = shortName(record);
        const name = Buffer.from(long.take(record) ?? short);
        if (isDots(name)) continue;
        if (!isName(name)) throw record.corrupt(0, 'a name that no file can have');
        yield new FatEntry(this.#volume, name, short, record);
      }
    }
  }

  /** The label of the root directory. */
  async label(signal?: AbortSignal): Promise<string | undefined> {
    for await (const record of this.#records(signal)) {
      const [first, attributes] = [record.u8(0), record.u8(11)];
      if (first === 0) return undefined;
      if (first === 0xe5 || (attributes & 0x3f) === ATTRIBUTE.longName || !(attributes & ATTRIBUTE.label)) continue;
      return record.latin1(0, 11).trimEnd();
    }
    return undefined;
  }

  async *#records(signal?: AbortSignal): AsyncGenerator<ByteView> {
    let left = LARGEST_DIRECTORY;
    for await (const { offset, length } of this.#places(signal)) {
      for (let at = 0; at < length; at += this.#volume.boot.clusterSize) {
        const size = Math.min(this.#volume.boot.clusterSize, length - at);
        const bytes = await this.#volume.source.read(offset + at, size, signal);
        const block = view(bytes, 'FAT directory', offset + at);
        for (let record = 0; record + 32 <= size; record += 32) yield block.view(record, 32);
        left -= size;
        if (left < 0) throw block.corrupt(0, `the directory has more than ${LARGEST_DIRECTORY} bytes`);
      }
    }
  }

  /** Where a directory's records lie. */
  async *#places(signal?: AbortSignal): AsyncGenerator<{ offset: number; length: number }> {
    const { boot } = this.#volume;
    if (!this.#chain) {
      if (this.stat.ino !== 1) throw corrupt('FAT directory', 0, 'a directory without a cluster');
      yield { offset: boot.root.offset, length: boot.root.size };
      return;
    }
    for await (const run of this.#chain.runs(0, boot.clusters, signal)) {
      yield { offset: boot.data + (run.cluster - 2) * boot.clusterSize, length: run.count * boot.clusterSize };
    }
  }

  /** As Linux compares them: letters alike in either case, long names and short ones. */
  async lookup(name: Buffer, signal?: AbortSignal): Promise<FsNode | undefined> {
    const wanted = name.toString().toUpperCase();
    for await (const entry of this.#named(signal)) {
      if (entry.name.toString().toUpperCase() === wanted || entry.short.toUpperCase() === wanted) return entry.node();
    }
    return undefined;
  }

  async readlink(): Promise<Buffer> {
    needType(this, 'symlink');
    return Buffer.alloc(0);
  }

  async xattrs(): Promise<Xattr[]> {
    return [];
  }

  async read(offset: number, length: number, signal?: AbortSignal): Promise<Buffer> {
    needType(this, 'file');
    const { boot, source } = this.#volume;
    const end = Math.min(offset + length, this.stat.size);
    if (offset >= end) return Buffer.alloc(0);
    const parts: Buffer[] = [];
    let at = offset;
    for await (const extent of this.#extents(offset, end, signal)) {
      parts.push(await source.read(extent.disk, extent.length, signal));
      at += extent.length;
    }
    if (at < end) throw corrupt('FAT', boot.table, `the chain of a file of ${this.stat.size} bytes ends at ${at}`);
    return Buffer.concat(parts);
  }

  async *#extents(from: number, to: number, signal?: AbortSignal) {
    const { clusterSize, data } = this.#volume.boot;
    if (!this.#chain) return;
    for await (const run of this.#chain.runs(Math.floor(from / clusterSize), Math.ceil(to / clusterSize), signal)) {
      const start = run.logical * clusterSize;
      const offset = Math.max(from, start);
      const length = Math.min(to, start + run.count * clusterSize) - offset;
      yield { offset, length, disk: data + (run.cluster - 2) * clusterSize + offset - start };
    }
  }

  async *extents(signal?: AbortSignal): AsyncGenerator<FileExtent> {
    needType(this, 'file');
    let at = 0;
    for await (const extent of this.#extents(0, this.stat.size, signal)) {
      yield { ...extent, kind: 'data' };
      at = extent.offset + extent.length;
    }
    if (at < this.stat.size) {
      throw corrupt(
        'FAT',
        0,
        `the chain of a file of ${this.stat.size} bytes from cluster ${this.#cluster} ends at ${at}`,
      );
    }
  }
}

class FatEntry implements FsEntry {
  readonly name: Buffer;
  readonly short: string;
  readonly ino: number;
  readonly type: NodeType;
  readonly #volume: FatVolume;
  readonly #record: ByteView;

  constructor(volume: FatVolume, name: Buffer, short: string, record: ByteView) {
    const directory = (record.u8(11) & ATTRIBUTE.directory) !== 0;
    this.#volume = volume;
    this.#record = record;
    this.name = name;
    this.short = short;
    this.type = directory ? 'directory' : 'file';
    this.ino = directory ? this.#cluster() : FILES + record.place.offset / 32;
  }

  #cluster(): number {
    const high = this.#volume.boot.kind === 32 ? this.#record.u16le(20) * 2 ** 16 : 0;
    return (high + this.#record.u16le(26)) % 2 ** 28;
  }

  async node(): Promise<FsNode> {
    const record = this.#record;
    const directory = this.type === 'directory';
    const size = record.u32le(28);
    const cluster = directory || size > 0 ? this.#cluster() : 0;
    if (directory || size > 0) this.#volume.table.check(cluster, `the entry at ${record.place.offset}`);
    const created = record.u16le(16);
    const accessed = record.u16le(18);
    return new FatNode(this.#volume, {
      ino: this.ino,
      directory,
      readOnly: (record.u8(11) & ATTRIBUTE.readOnly) !== 0,
      cluster,
      size: directory ? 0 : size,
      mtime: time(record.u16le(24), record.u16le(22)),
      atime: accessed === 0 ? undefined : time(accessed, 0),
      btime: created === 0 ? undefined : time(created, record.u16le(14), record.u8(13)),
    });
  }
}

/** FAT has local time without a zone; it is read as UTC. `hundredths` count up to two seconds. */
function time(date: number, clock: number, hundredths = 0): Timestamp {
  const [year, month, day] = [1980 + (date >>> 9), Math.max(1, (date >>> 5) & 15), Math.max(1, date & 31)];
  const seconds = (clock & 31) * 2 + Math.floor(Math.min(hundredths, 199) / 100);
  const ms = Date.UTC(year, month - 1, day, clock >>> 11, (clock >>> 5) & 63, seconds);
  return { seconds: ms / 1000, nanoseconds: (Math.min(hundredths, 199) % 100) * 10_000_000 };
}
