// Reads: ext2, ext3 and ext4: extents and block maps, hash trees (as the lists that they are), inline data, 64-bit, flexible
// and meta groups, bigalloc, large directories, extended attributes and ACLs, all checksums, a dirty journal.
// Specification: Documentation/filesystems/ext4/*.rst of Linux; e2fsprogs lib/ext2fs/ext2_fs.h.
// Does not read: encrypted files and names (refused one by one), compression, dirdata, journals on other devices.
import { PatchedSource } from '../../source/patched.ts';
import type { BlockSource } from '../../source/source.ts';
import { type Diagnostic, unsupported } from '../../trouble.ts';
import type { FileSystem, FileSystemKind, Usage } from '../file-system.ts';
import { INCOMPAT } from './features.ts';
import { replayJournal } from './journal.ts';
import { ExtNode } from './node.ts';
import { readSuperblock, SUPERBLOCK_OFFSET, type Superblock } from './superblock.ts';
import { ExtVolume } from './volume.ts';

const ROOT = 2;

export interface ExtOptions {
  /** Whether checksums must be right. Default true. */
  verify?: boolean;
}

/** @throws GvmError `corrupt`, `unsupported` */
export async function openExt(
  source: BlockSource,
  options: ExtOptions = {},
  signal?: AbortSignal,
): Promise<FileSystem> {
  const verify = options.verify ?? true;
  let volume = new ExtVolume(source, await readSuperblock(source, verify, signal), verify);
  const diagnostics: Diagnostic[] = [];
  const say = (message: string) =>
    diagnostics.push({ structure: 'ext superblock', offset: SUPERBLOCK_OFFSET, message });
  if (volume.sb.incompat & INCOMPAT.needs_recovery) {
    if (volume.sb.journalInode === 0) throw unsupported('ext file system', 'a journal on another device');
    const journal = await volume.inode(volume.sb.journalInode, signal);
    const replay = await replayJournal(volume, journal, signal);
    say(`it was not unmounted; ${replay.transactions} transactions of its journal were replayed in memory`);
    diagnostics.push(...replay.diagnostics);
    const patched = new PatchedSource(source, volume.sb.blockSize, replay.patches);
    volume = new ExtVolume(patched, await readSuperblock(patched, verify, signal), verify);
  }
  if ((volume.sb.state & 1) === 0) say('it was not cleanly unmounted');
  if ((volume.sb.state & 2) !== 0) say('the kernel found errors in it; e2fsck was not run since');
  return new Ext(volume, diagnostics);
}

class Ext implements FileSystem {
  readonly type: string;
  readonly label: string | undefined;
  readonly uuid: string;
  readonly blockSize: number;
  readonly features: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
  readonly #volume: ExtVolume;

  constructor(volume: ExtVolume, diagnostics: Diagnostic[]) {
    const { sb } = volume;
    this.#volume = volume;
    this.type = sb.type;
    this.label = sb.label === '' ? undefined : sb.label;
    this.uuid = sb.uuid.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
    this.blockSize = sb.blockSize;
    this.features = sb.features;
    this.diagnostics = diagnostics;
  }

  async root(signal?: AbortSignal): Promise<ExtNode> {
    return new ExtNode(this.#volume, await this.#volume.inode(ROOT, signal));
  }

  async usage(signal?: AbortSignal): Promise<Usage> {
    const { sb } = this.#volume;
    let [free, freeFiles] = [0, 0];
    for (let group = 0; group < sb.groups; group++) {
      const { freeClusters, freeInodes } = await this.#volume.group(group, signal);
      free += freeClusters * sb.clusterBlocks;
      freeFiles += freeInodes;
    }
    const bytes = (blocks: number) => Math.max(0, blocks) * sb.blockSize;
    return {
      total: bytes(sb.blocks - overhead(sb)),
      free: bytes(free),
      available: bytes(free - sb.reservedBlocks),
      files: sb.inodes,
      freeFiles,
    };
  }
}

/** Blocks that hold the file system's own tables, as mke2fs counted them. */
function overhead(sb: Superblock): number {
  return sb.overheadClusters * sb.clusterBlocks;
}

export const ext: FileSystemKind = {
  name: 'ext',
  async probe(source, signal) {
    if (source.size < SUPERBLOCK_OFFSET + 1024) return false;
    return (await source.read(SUPERBLOCK_OFFSET + 56, 2, signal)).readUInt16LE() === 0xef53;
  },
  open: (source, signal) => openExt(source, {}, signal),
};
