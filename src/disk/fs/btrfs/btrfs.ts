// Reads: Btrfs on one or several devices: subvolumes and snapshots, single, DUP, RAID 0, 1, 1C3, 1C4 and 10, inline, regular
// and prealloc extents, zlib, lzo and zstd; metadata and data checked by crc32c, xxhash64, sha256 or blake2b, and read from
// another copy where one is damaged or old.
// Specification: btrfs-progs Documentation/dev/On-disk-format.rst; include/uapi/linux/btrfs_tree.h of Linux.
// Does not read: RAID 5 and 6 (refused by name); the log of synchronised files is reported, not replayed.
import type { BlockSource } from '../../source/source.ts';
import { corrupt, type Diagnostic } from '../../trouble.ts';
import type { FileSystem, FileSystemKind, Usage } from '../file-system.ts';
import { ChunkMap, type Devices } from './chunks.ts';
import { DataReader } from './data.ts';
import { BtrfsNode, type BtrfsVolume, FIRST_TREE, openSubvolume } from './node.ts';
import { findSubvolume, topSubvolumes } from './subvolumes.ts';
import { MAGIC, readSuperblock, SUPERBLOCK, type Superblock } from './superblock.ts';
import { ITEM_TYPE, keyAt, Trees, treeRoot } from './tree.ts';

const ROOT_DIRECTORY = 6n;
const SUM_TREE = 7n;
const CHUNK_OBJECT = 256n;
const END = 2n ** 64n - 1n;

/** A device of a file system, and what its superblock says. */
export interface Device {
  source: BlockSource;
  sb: Superblock;
}

class Btrfs implements FileSystem {
  readonly type = 'btrfs';
  readonly label: string | undefined;
  readonly uuid: string;
  readonly blockSize: number;
  readonly features: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
  readonly #volume: BtrfsVolume;
  readonly #sb: Superblock;
  readonly #subvolume: bigint;

  constructor(volume: BtrfsVolume, subvolume: bigint, diagnostics: readonly Diagnostic[]) {
    const { sb } = volume.trees;
    this.#volume = volume;
    this.#sb = sb;
    this.#subvolume = subvolume;
    this.label = sb.label === '' ? undefined : sb.label;
    this.uuid = uuidText(sb.uuid);
    this.blockSize = sb.sectorSize;
    this.features = sb.features;
    this.diagnostics = diagnostics;
  }

  /** The root of the subvolume: of the default one, as a mount without options shows it, or of that which was asked for. */
  async root(signal?: AbortSignal): Promise<BtrfsNode> {
    return BtrfsNode.root(this.#volume, await openSubvolume(this.#volume, this.#subvolume, signal), signal);
  }

  async usage(): Promise<Usage> {
    const { size, used } = this.#sb;
    const free = Math.max(0, size - used);
    return { total: size, free, available: free, files: undefined, freeFiles: undefined };
  }

  subvolumes(signal?: AbortSignal): Promise<string[]> {
    return topSubvolumes(this.#volume, signal);
  }

  async subvolume(name: string, signal?: AbortSignal): Promise<FileSystem | undefined> {
    const id = await findSubvolume(this.#volume, name, signal);
    return id === undefined ? undefined : new Btrfs(this.#volume, id, this.diagnostics);
  }
}

export function uuidText(uuid: Buffer): string {
  return uuid.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/**
 * Opens a file system by those of its devices that are there.
 * @throws GvmError `corrupt`, `unsupported`
 */
export async function openDevices(all: readonly Device[], signal?: AbortSignal): Promise<FileSystem> {
  const [first] = all;
  if (!first) throw corrupt('Btrfs file system', 0, 'it has no devices');
  const { sb } = all.reduce((best, one) => (one.sb.generation > best.sb.generation ? one : best), first);
  const diagnostics: Diagnostic[] = [];
  const say = (message: string) => diagnostics.push({ structure: 'Btrfs superblock', offset: SUPERBLOCK, message });
  const devices = new Map<number, { source: BlockSource; old: boolean }>();
  for (const { source, sb: own } of all) {
    const old = own.generation < sb.generation;
    if (old) say(`device ${own.device} is of generation ${own.generation}, not ${sb.generation}: it is read last`);
    if (devices.has(own.device)) say(`there are two devices ${own.device}: the first is read`);
    else devices.set(own.device, { source, old });
  }
  const missing = sb.devices - devices.size;
  if (missing > 0) say(`${missing} of its ${sb.devices} devices ${missing === 1 ? 'is' : 'are'} missing`);
  const trees = new Trees(sb, await readChunks(sb, devices, signal));
  const sums = await treeRoot(trees, sb.root, SUM_TREE, signal);
  const volume = { trees, data: new DataReader(trees, sums), roots: sb.root };
  if (sb.log)
    say('it was not unmounted, and its log of synchronised files is not replayed: the newest changes may be missing');
  return new Btrfs(volume, await defaultSubvolume(volume, signal), diagnostics);
}

/** The superblock has the chunks of the tree of chunks, and that has all. */
async function readChunks(sb: Superblock, devices: Devices, signal?: AbortSignal): Promise<ChunkMap> {
  const chunks = new ChunkMap(devices);
  for (let at = 0; at < sb.bootstrap.length; ) {
    const key = keyAt(sb.bootstrap, at);
    const item = sb.bootstrap.view(at + 17, sb.bootstrap.length - at - 17);
    at += 17 + chunks.add(Number(key.offset), item);
  }
  chunks.sort();
  const from = { object: CHUNK_OBJECT, type: ITEM_TYPE.chunk, offset: 0n };
  for await (const { key, data } of new Trees(sb, chunks).items(sb.chunks, from, { ...from, offset: END }, signal)) {
    chunks.add(Number(key.offset), data);
  }
  chunks.sort();
  return chunks;
}

/** The entry `default` of the root of trees leads to it. */
async function defaultSubvolume(volume: BtrfsVolume, signal?: AbortSignal): Promise<bigint> {
  const from = { object: ROOT_DIRECTORY, type: ITEM_TYPE.directory, offset: 0n };
  const item = await volume.trees.first(volume.roots, from, { ...from, offset: END }, signal);
  return item ? keyAt(item.data, 0).object : BigInt(FIRST_TREE);
}

export const btrfs: FileSystemKind = {
  name: 'btrfs',
  async probe(source, signal) {
    if (source.size < SUPERBLOCK + 4096) return false;
    return (await source.read(SUPERBLOCK + 64, 8, signal)).toString('latin1') === MAGIC;
  },
  open: async (source, signal) => openDevices([{ source, sb: await readSuperblock(source, signal) }], signal),
};
