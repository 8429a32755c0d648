import { crc32c } from '../../../src/core/index.ts';

/** What the repair of checksums needs to know of a sound image with metadata_csum: one group, 1 KiB blocks, 256-byte inodes. */
export interface SmallExt {
  inodeTable: number;
  inodes: number;
  uuid: Buffer;
  /** Blocks of directories, and the inode of each. */
  directories: readonly { block: number; ino: number }[];
}

const u32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};

/** Computes the checksums of superblock, group descriptor, inodes and directories anew, so that readers look further. */
export function repairExt(bytes: Buffer, fs: SmallExt): void {
  const seed = crc32c(0xffffffff, fs.uuid);
  const inode = (ino: number) => bytes.subarray(fs.inodeTable + (ino - 1) * 256, fs.inodeTable + ino * 256);
  const inodeSeed = (ino: number) => crc32c(crc32c(seed, u32(ino)), inode(ino).subarray(100, 104));
  bytes.writeUInt32LE(crc32c(0xffffffff, bytes.subarray(1024, 1024 + 0x3fc)), 1024 + 0x3fc);
  const descriptor = bytes.subarray(2048, 2048 + 64);
  descriptor.writeUInt16LE(0, 30);
  descriptor.writeUInt16LE(crc32c(crc32c(seed, u32(0)), descriptor) & 0xffff, 30);
  for (let ino = 1; ino <= fs.inodes; ino++) {
    const raw = inode(ino);
    raw.writeUInt16LE(0, 124);
    raw.writeUInt16LE(0, 130);
    const sum = crc32c(inodeSeed(ino), raw);
    raw.writeUInt16LE(sum & 0xffff, 124);
    raw.writeUInt16LE(sum >>> 16, 130);
  }
  for (const { block, ino } of fs.directories) {
    const data = bytes.subarray(block * 1024, (block + 1) * 1024);
    data.writeUInt32LE(crc32c(inodeSeed(ino), data.subarray(0, 1012)), 1020);
  }
}
