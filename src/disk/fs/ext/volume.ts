import type { ByteView } from '../../../core/index.ts';
import type { BlockSource } from '../../source/source.ts';
import { corrupt, view } from '../../trouble.ts';
import { type GroupDescriptor, readGroup } from './groups.ts';
import { INODE_FLAG, type Inode, parseInode } from './inode.ts';
import { fileRuns } from './map.ts';
import type { Superblock } from './superblock.ts';
import { inlineRest } from './xattr.ts';

const MOST_GROUPS_KEPT = 4096;

/** The blocks and inodes of an ext file system, each checked as it is read. */
export class ExtVolume {
  readonly source: BlockSource;
  readonly sb: Superblock;
  /** Whether checksums must be right. */
  readonly verify: boolean;
  readonly #groups = new Map<number, GroupDescriptor>();

  constructor(source: BlockSource, sb: Superblock, verify: boolean) {
    this.source = source;
    this.sb = sb;
    this.verify = verify;
  }

  /** @throws GvmError `corrupt`, at a place of a view, for blocks that do not lie in the file system */
  checkBlocks(from: ByteView, at: number, block: number, count: number): void {
    if (block >= this.sb.firstDataBlock && block > 0 && block + count <= this.sb.blocks) return;
    throw from.corrupt(at, `${count} blocks from ${block} lie outside of the ${this.sb.blocks} of the file system`);
  }

  async block(number: number, structure: string, signal?: AbortSignal): Promise<ByteView> {
    const { blockSize } = this.sb;
    return view(await this.source.read(number * blockSize, blockSize, signal), structure, number * blockSize);
  }

  async group(number: number, signal?: AbortSignal): Promise<GroupDescriptor> {
    const known = this.#groups.get(number);
    if (known) return known;
    const group = await readGroup(this.source, this.sb, number, this.verify, signal);
    if (this.#groups.size >= MOST_GROUPS_KEPT) this.#groups.clear();
    this.#groups.set(number, group);
    return group;
  }

  async inode(ino: number, signal?: AbortSignal): Promise<Inode> {
    const { sb } = this;
    if (ino < 1 || ino > sb.inodes) throw corrupt('ext inode', 0, `there is no inode ${ino}, only ${sb.inodes}`);
    const group = await this.group(Math.floor((ino - 1) / sb.inodesPerGroup), signal);
    const offset = group.inodeTable * sb.blockSize + ((ino - 1) % sb.inodesPerGroup) * sb.inodeSize;
    const bytes = await this.source.read(offset, sb.inodeSize, signal);
    return parseInode(sb, ino, view(bytes, `ext inode ${ino}`, offset), this.verify);
  }

  /** Content of an inode, clipped at its size. */
  async readFile(inode: Inode, offset: number, length: number, signal?: AbortSignal): Promise<Buffer> {
    const { blockSize } = this.sb;
    const end = Math.min(offset + length, inode.stat.size);
    if (offset >= end) return Buffer.alloc(0);
    if (inode.flags & INODE_FLAG.inlineData) return this.inlineData(inode).subarray(offset, end);
    const parts: Buffer[] = [];
    const [from, to] = [Math.floor(offset / blockSize), Math.ceil(end / blockSize)];
    for await (const run of fileRuns(this, inode, from, to, signal)) {
      const start = Math.max(offset, run.logical * blockSize);
      const stop = Math.min(end, (run.logical + run.count) * blockSize);
      if (run.physical === undefined || run.unwritten) parts.push(Buffer.alloc(stop - start));
      else {
        const at = run.physical * blockSize + start - run.logical * blockSize;
        parts.push(await this.source.read(at, stop - start, signal));
      }
    }
    return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
  }

  /** The first 60 bytes stand in place of the block map, the rest in an attribute. */
  inlineData(inode: Inode): Buffer {
    const rest = inode.stat.size > 60 ? inlineRest(this, inode) : undefined;
    const bytes = rest ? Buffer.concat([inode.block.bytes, rest.bytes]) : inode.block.bytes;
    if (bytes.length < inode.stat.size) {
      throw inode.block.corrupt(0, `${bytes.length} bytes of inline data where the size is ${inode.stat.size}`);
    }
    return bytes.subarray(0, inode.stat.size);
  }
}
