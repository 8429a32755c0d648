import type { ByteView } from '../../../core/index.ts';
import type { BlockSource } from '../../source/source.ts';
import { corrupt, view } from '../../trouble.ts';
import { type Superblock, sumIsRight } from './superblock.ts';

/** The blocks of an XFS, and where its numbers lead. */
export class XfsVolume {
  readonly source: BlockSource;
  readonly sb: Superblock;

  constructor(source: BlockSource, sb: Superblock) {
    this.source = source;
    this.sb = sb;
  }

  /** Bytes from the beginning of a block, by its number of group and place. @throws GvmError `corrupt` */
  offsetOf(fsBlock: number, count: number, from: ByteView, at: number): number {
    const { agBlockBits, agBlocks, agCount, blocks, blockSize } = this.sb;
    const group = Math.floor(fsBlock / 2 ** agBlockBits);
    const within = fsBlock % 2 ** agBlockBits;
    const linear = group * agBlocks + within;
    if (group >= agCount || within + count > agBlocks || linear + count > blocks) {
      throw from.corrupt(at, `${count} blocks from ${group}/${within} lie outside of the file system`);
    }
    return linear * blockSize;
  }

  /** Where an inode lies. @throws GvmError `corrupt` */
  inodeOffset(ino: number): number {
    const { agBlockBits, inodeBlockBits, agCount, agBlocks, blocks, blockSize, inodeSize } = this.sb;
    const group = Math.floor(ino / 2 ** (agBlockBits + inodeBlockBits));
    const within = Math.floor(ino / 2 ** inodeBlockBits) % 2 ** agBlockBits;
    const linear = group * agBlocks + within;
    if (ino <= 0 || group >= agCount || within >= agBlocks || linear >= blocks) {
      throw corrupt('XFS inode', 0, `inode ${ino} lies outside of the file system`);
    }
    return linear * blockSize + (ino % 2 ** inodeBlockBits) * inodeSize;
  }

  async read(offset: number, length: number, structure: string, signal?: AbortSignal): Promise<ByteView> {
    return view(await this.source.read(offset, length, signal), structure, offset);
  }

  /** Checks a structure of version 5: its sum, its owner and that it was written for this place. */
  checkBlock(block: ByteView, fields: { sum: number; place?: number; owner?: number; ino?: number }): void {
    if (this.sb.version !== 5) return;
    if (!sumIsRight(block.bytes, fields.sum)) throw block.corrupt(fields.sum, 'its checksum is wrong');
    if (fields.place !== undefined && block.u64be(fields.place) * 512 !== block.place.offset) {
      throw block.corrupt(fields.place, `it was written for the place ${block.u64be(fields.place) * 512}`);
    }
    if (fields.owner !== undefined && block.u64be(fields.owner) !== fields.ino) {
      throw block.corrupt(fields.owner, `it belongs to inode ${block.u64be(fields.owner)}, not ${fields.ino}`);
    }
  }
}
