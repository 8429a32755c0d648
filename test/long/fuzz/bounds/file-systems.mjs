// One disk for each bound of a file system's reader, which drives it there.
import { crc32c } from '../../../../dist/core/index.js';
import { be16, be32, be64, placesOf, u16, u32, u64, writeAll } from './places.mjs';

/** The inodes of an ext with 1 KiB blocks and one group. */
function extInodes(disk, type) {
  const sb = disk.bytes(1024, 1024);
  const [table] = [disk.bytes(2048, 64).readUInt32LE(8) * 1024];
  const size = sb.readUInt16LE(88);
  return Array.from({ length: sb.readUInt32LE(40) }, (_, i) => table + i * size).filter(
    (at) => disk.bytes(at, 2).readUInt16LE(0) >>> 12 === type,
  );
}

/** The inodes of an XFS of 512 bytes each. */
const xfsInodes = (disk, type) =>
  placesOf(disk, 'IN', 512).filter((at) => disk.bytes(at + 2, 2).readUInt16BE(0) >>> 12 === type);

/** The items of a kind in all leaves of a Btrfs whose nodes have 4 KiB: where their data begin. */
function btrfsItems(disk, type) {
  const id = disk.bytes(65536 + 32, 16);
  return placesOf(disk, id)
    .filter((at) => at % 4096 === 32 && at !== 65536 + 32)
    .flatMap((at) => {
      const node = disk.bytes(at - 32, 4096);
      const count = node[100] === 0 ? Math.min(node.readUInt32LE(96), 150) : 0;
      return Array.from({ length: count }, (_, i) => 101 + i * 25)
        .filter((item) => node[item + 8] === type)
        .map((item) => at - 32 + 101 + node.readUInt32LE(item + 17));
    });
}

/** A map of four levels, in which each node is that of all above it: 28,000 nodes in a file system of 2,048 blocks. */
function widenExtMap(disk) {
  const [inode] = extInodes(disk, 8).filter((at) => disk.bytes(at + 40, 2).equals(u16(0xf30a)));
  const blocks = [1000, 1001, 1002];
  const node = (depth, entries, first, child) =>
    Buffer.concat([
      ...[u16(0xf30a), u16(entries), u16(entries || 4), u16(depth), u32(0)],
      ...Array.from({ length: entries }, (_, i) => Buffer.concat([u32(first + i), u32(child), u32(0)])),
    ]);
  disk.write(inode + 4, u32(2 ** 20));
  disk.write(inode + 40, node(3, 4, 0, blocks[0]));
  disk.write(blocks[0] * 1024, node(2, 84, 10, blocks[1]));
  disk.write(blocks[1] * 1024, node(1, 84, 100, blocks[2]));
  disk.write(blocks[2] * 1024, node(0, 0, 0, 0));
}

/** The same of an XFS: a million nodes. */
function widenXfsMap(disk) {
  const [inode] = xfsInodes(disk, 8).filter((at) => disk.bytes(at + 5, 1)[0] === 3);
  const sb = disk.bytes(0, 512);
  const [agBlocks, agBits] = [sb.readUInt32BE(84), sb[124]];
  const number = (place) => {
    const block = place / 4096;
    return Math.floor(block / agBlocks) * 2 ** agBits + (block % agBlocks);
  };
  const most = Math.floor(((disk.bytes(inode + 82, 1)[0] * 8 || 336) - 4) / 16);
  const [first] = placesOf(disk, 'BMA3', 4096);
  const places = [first, first + 4096, first + 8192];
  for (const [depth, place] of places.entries()) {
    const node = Buffer.alloc(4096);
    disk.bytes(first, 72).copy(node);
    const entries = depth === 0 ? 0 : 251;
    node.writeUInt16BE(depth, 4);
    node.writeUInt16BE(entries, 6);
    node.writeBigUInt64BE(BigInt(place / 512), 24);
    for (let i = 0; i < entries; i++) {
      node.writeBigUInt64BE(BigInt(i), 72 + i * 8);
      node.writeBigUInt64BE(BigInt(number(places[depth - 1])), 72 + 251 * 8 + i * 8);
    }
    node.writeUInt32LE(0, 64);
    node.writeUInt32LE(~crc32c(0xffffffff, node) >>> 0, 64);
    disk.write(place, node);
  }
  disk.write(inode + 176, Buffer.concat([be16(3), be16(most)]));
  for (let i = 0; i < most; i++) {
    disk.write(inode + 180 + i * 8, be64(i));
    disk.write(inode + 180 + (most + i) * 8, be64(number(places[2])));
  }
}

/** @type {import('./index.mjs').Reach[]} */
export const fileSystems = [
  // Btrfs
  {
    bound: 'disk/fs/btrfs/chunks MOST_STRIPES',
    image: 'btrfs-rich',
    edit: (disk) => disk.write(65536 + 0x32b + 17 + 44, u16(2000)),
  },
  {
    bound: 'disk/fs/btrfs/extents LARGEST_PACKED',
    image: 'btrfs-rich',
    edit: (disk) => writeAll(disk, btrfsItems(disk, 108), 8, u64(2 ** 20)),
  },
  {
    bound: 'disk/fs/btrfs/node LONGEST_LINK',
    image: 'btrfs-rich',
    edit: (disk) =>
      writeAll(
        disk,
        btrfsItems(disk, 1).filter((at) => disk.bytes(at + 52, 4).readUInt32LE(0) >>> 12 === 10),
        16,
        u64(5000),
      ),
  },
  {
    bound: 'disk/fs/btrfs/node HIGHEST_OBJECT',
    image: 'btrfs-rich',
    edit: (disk) => writeAll(disk, btrfsItems(disk, 96), 0, u64(2 ** 41)),
  },
  {
    bound: 'disk/fs/btrfs/superblock LARGEST_CHUNK_ARRAY',
    image: 'btrfs-rich',
    edit: (disk) => disk.write(65536 + 160, u32(3000)),
  },
  {
    bound: 'disk/fs/btrfs/tree HIGHEST_LEVEL',
    image: 'btrfs-rich',
    edit: (disk) => {
      const id = disk.bytes(65536 + 32, 16);
      const nodes = placesOf(disk, id).filter((at) => at % 4096 === 32 && at !== 65536 + 32);
      writeAll(disk, nodes, 68, Buffer.from([9]));
    },
  },
  // ext
  {
    bound: 'disk/fs/ext/map DEEPEST',
    image: 'ext4-rich',
    edit: (disk) =>
      writeAll(
        disk,
        extInodes(disk, 8).filter((at) => disk.bytes(at + 40, 2).equals(u16(0xf30a))),
        46,
        u16(6),
      ),
  },
  {
    bound: 'disk/fs/ext/node LONGEST_LINK',
    image: 'ext4-rich',
    edit: (disk) => writeAll(disk, extInodes(disk, 10), 4, u32(5000)),
  },
  {
    bound: 'disk/fs/ext/xattr LONGEST_VALUE',
    image: 'ext2',
    edit: (disk) => writeAll(disk, placesOf(disk, u32(0xea020000), 1024), 32 + 8, u32(70_000)),
  },
  // FAT: the chain of the root goes on through clusters of names that were deleted.
  {
    bound: 'disk/fs/fat/node LARGEST_DIRECTORY',
    image: 'fat32',
    edit: (disk) => {
      const boot = disk.bytes(0, 512);
      const [reserved, tables, each] = [boot.readUInt16LE(14), boot[16], boot.readUInt32LE(36)];
      const data = (reserved + tables * each) * 512;
      const first = 20_000;
      const count = 2 ** 21 / 512 + 8;
      disk.write(data, Buffer.alloc(512, 0xe5));
      disk.write(reserved * 512 + 8, u32(first));
      for (let i = 0; i < count; i++)
        disk.write(reserved * 512 + (first + i) * 4, u32(i + 1 < count ? first + i + 1 : 0x0fffffff));
      for (let i = 0; i < count; i++) disk.write(data + (first - 2 + i) * 512, Buffer.alloc(512, 0xe5));
    },
  },
  {
    bound: 'disk/fs/fat/chain clusters',
    line: 'it has a loop',
    image: 'fat12',
    edit: (disk) => {
      // Every cluster is followed by itself, and a file has more of them than there are.
      writeAll(disk, placesOf(disk, 'LARGE      ', 32), 28, u32(0x7fffffff));
      const boot = disk.bytes(0, 512);
      const at = boot.readUInt16LE(14) * 512;
      for (let n = 2; n < 2000; n += 2)
        disk.write(at + (n * 3) / 2, Buffer.from([n & 0xff, (n >>> 8) | (((n + 1) & 15) << 4), (n + 1) >>> 4]));
    },
  },
  // ISO 9660
  {
    bound: 'disk/fs/iso9660/rock-ridge MOST_AREAS',
    image: 'iso-rock-ridge',
    edit: (disk) => {
      for (const at of placesOf(disk, 'CE\x1c\x01')) {
        const entry = disk.bytes(at, 28);
        disk.write(
          entry.readUInt32LE(4) * 2048 + entry.readUInt32LE(12),
          Buffer.concat([entry, Buffer.from('ST\x04\x01', 'latin1')]),
        );
      }
    },
  },
  {
    bound: 'disk/fs/iso9660/rock-ridge LONGEST',
    image: 'iso-rock-ridge',
    edit: (disk) => writeAll(disk, placesOf(disk, 'CE\x1c\x01'), 20, u32(70_000)),
  },
  // squashfs, of which nothing is packed
  {
    bound: 'disk/fs/squashfs/inode MOST_BLOCKS',
    image: 'stored',
    edit: (disk) => writeAll(disk, placesOf(disk, '\x09\x00\xa4\x01'), 24, u64(2 ** 40)),
  },
  {
    bound: 'disk/fs/squashfs/xattr MOST',
    image: 'stored',
    edit: (disk) =>
      disk.write(
        Number(disk.bytes(Number(disk.bytes(56, 8).readBigUInt64LE(0)) + 16, 8).readBigUInt64LE(0)) + 2 + 8,
        u32(5000),
      ),
  },
  {
    bound: 'disk/fs/squashfs/xattr LONGEST_VALUE',
    image: 'stored',
    edit: (disk) => writeAll(disk, placesOf(disk, '\x00\x00\x04\x00name'), 8, u32(70_000)),
  },
  // XFS
  {
    bound: 'disk/fs/xfs/attributes LONGEST_VALUE',
    image: 'xfs-rich',
    edit: (disk) => {
      for (const block of placesOf(disk, be16(0x3bee)).filter((at) => at % 4096 === 8)) {
        const leaf = disk.bytes(block - 8, 4096);
        for (let i = 0; i < leaf.readUInt16BE(56); i++)
          if ((leaf[80 + i * 8 + 6] & 1) === 0)
            disk.write(block - 8 + leaf.readUInt16BE(80 + i * 8 + 4) + 4, be32(70_000));
      }
    },
  },
  {
    bound: 'disk/fs/xfs/attributes DEEPEST',
    image: 'xfs-rich',
    edit: (disk) =>
      writeAll(
        disk,
        placesOf(disk, be16(0x3ebe)).filter((at) => at % 4096 === 8),
        56 + 4,
        be32(0),
      ),
  },
  {
    bound: 'disk/fs/xfs/attributes met twice',
    line: 'the leaves of the attributes make a loop',
    image: 'xfs-rich',
    // Behind each leaf comes the first.
    edit: (disk) =>
      writeAll(
        disk,
        placesOf(disk, be16(0x3bee)).filter((at) => at % 4096 === 8),
        -8,
        be32(1),
      ),
  },
  {
    bound: 'disk/fs/xfs/map DEEPEST',
    image: 'xfs-rich',
    edit: (disk) =>
      writeAll(
        disk,
        xfsInodes(disk, 8).filter((at) => disk.bytes(at + 5, 1)[0] === 3),
        176,
        be16(10),
      ),
  },
  {
    bound: 'disk/fs/xfs/node LONGEST_LINK',
    image: 'xfs-rich',
    edit: (disk) => writeAll(disk, xfsInodes(disk, 10), 56, be64(5000)),
  },
  {
    bound: 'disk/fs/xfs/log LONGEST_RECORD',
    image: 'xfs-rich',
    edit: (disk) => writeAll(disk, placesOf(disk, be32(0xfeedbabe), 512), 0, be32(1)),
  },
  {
    bound: 'disk/fs/ext/map blocks',
    line: 'has more nodes than the file system has blocks',
    image: 'ext4-groups',
    edit: widenExtMap,
  },
  {
    bound: 'disk/fs/xfs/map blocks',
    line: 'has more nodes than the file system has blocks',
    image: 'xfs-rich',
    edit: widenXfsMap,
  },
  {
    bound: 'disk/walk met twice',
    line: 'stands in another place as well',
    image: 'ext2',
    // A folder below is the root itself.
    edit: (disk) => writeAll(disk, placesOf(disk, '\x03\x02sub'), -6, u32(2)),
  },
  {
    bound: 'disk/vfs MOST_LINKS',
    image: 'ext2',
    // The link leads to itself.
    edit: (disk) => {
      for (const at of extInodes(disk, 10).filter((one) => disk.bytes(one + 40, 6).toString() === 'large\0')) {
        disk.write(at + 4, u32(4));
        disk.write(at + 40, Buffer.from('link\0'));
      }
    },
  },
];
