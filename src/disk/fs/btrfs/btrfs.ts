// Reads: Btrfs on one device: subvolumes and snapshots, single, DUP and mirrored chunks, inline, regular and prealloc
// extents, zlib, lzo and zstd; metadata checked by crc32c or sha256.
// Specification: btrfs-progs Documentation/dev/On-disk-format.rst; include/uapi/linux/btrfs_tree.h of Linux.
// Does not read: data striped over devices, RAID 5 and 6, xxhash64 and blake2b sums (refused by name), sums of file data;
// the log of synchronised files is reported, not replayed.
import type { BlockSource } from '../../source/source.ts';
import type { Diagnostic } from '../../trouble.ts';
import type { FileSystem, FileSystemKind, Usage } from '../file-system.ts';
import { ChunkMap } from './chunks.ts';
import { BtrfsNode, type BtrfsVolume, openSubvolume } from './node.ts';
import { MAGIC, readSuperblock, SUPERBLOCK, type Superblock } from './superblock.ts';
import { ITEM_TYPE, keyAt, Trees } from './tree.ts';

const FIRST_TREE = 5n;
const ROOT_DIRECTORY = 6n;
const CHUNK_OBJECT = 256n;
const END = 2n ** 64n - 1n;

class Btrfs implements FileSystem {
  readonly type = 'btrfs';
  readonly label: string | undefined;
  readonly uuid: string;
  readonly blockSize: number;
  readonly features: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
  readonly #volume: BtrfsVolume;
  readonly #sb: Superblock;
  readonly #default: bigint;

  constructor(volume: BtrfsVolume, subvolume: bigint, diagnostics: Diagnostic[]) {
    const { sb } = volume.trees;
    this.#volume = volume;
    this.#sb = sb;
    this.#default = subvolume;
    this.label = sb.label === '' ? undefined : sb.label;
    this.uuid = sb.uuid.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
    this.blockSize = sb.sectorSize;
    this.features = sb.features;
    this.diagnostics = diagnostics;
  }

  /** The root of the default subvolume, as a mount without options shows it. */
  async root(signal?: AbortSignal): Promise<BtrfsNode> {
    return BtrfsNode.root(this.#volume, await openSubvolume(this.#volume, this.#default, signal), signal);
  }

  async usage(): Promise<Usage> {
    const { size, used } = this.#sb;
    const free = Math.max(0, size - used);
    return { total: size, free, available: free, files: undefined, freeFiles: undefined };
  }
}

async function openBtrfs(source: BlockSource, signal?: AbortSignal): Promise<FileSystem> {
  const sb = await readSuperblock(source, signal);
  const chunks = new ChunkMap(sb.device, source.size);
  for (let at = 0; at < sb.bootstrap.length; ) {
    const key = keyAt(sb.bootstrap, at);
    const item = sb.bootstrap.view(at + 17, sb.bootstrap.length - at - 17);
    at += 17 + chunks.add(Number(key.offset), item);
  }
  chunks.sort();
  const trees = new Trees(source, sb, chunks);
  const from = { object: CHUNK_OBJECT, type: ITEM_TYPE.chunk, offset: 0n };
  for await (const { key, data } of trees.items(sb.chunks, from, { ...from, offset: END }, signal)) {
    chunks.add(Number(key.offset), data);
  }
  chunks.sort();
  const volume = { trees, roots: sb.root };
  const diagnostics: Diagnostic[] = [];
  const say = (message: string) => diagnostics.push({ structure: 'Btrfs superblock', offset: SUPERBLOCK, message });
  if (sb.log)
    say('it was not unmounted, and its log of synchronised files is not replayed: the newest changes may be missing');
  if (sb.devices > 1) say(`it has ${sb.devices} devices, of which one is read`);
  return new Btrfs(volume, await defaultSubvolume(volume, signal), diagnostics);
}

/** The entry `default` of the root of trees leads to it. */
async function defaultSubvolume(volume: BtrfsVolume, signal?: AbortSignal): Promise<bigint> {
  const from = { object: ROOT_DIRECTORY, type: ITEM_TYPE.directory, offset: 0n };
  const item = await volume.trees.first(volume.roots, from, { ...from, offset: END }, signal);
  return item ? keyAt(item.data, 0).object : FIRST_TREE;
}

export const btrfs: FileSystemKind = {
  name: 'btrfs',
  async probe(source, signal) {
    if (source.size < SUPERBLOCK + 4096) return false;
    return (await source.read(SUPERBLOCK + 64, 8, signal)).toString('latin1') === MAGIC;
  },
  open: openBtrfs,
};
