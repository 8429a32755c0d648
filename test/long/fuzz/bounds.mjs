// One disk for each bound of a reader, which drives it there. What a disk is made of are the sound images of the fuzzer.
import { threadId } from 'node:worker_threads';
import { parseCrypttab, parseFstab } from '../../../dist/disk/fstab.js';
import { overlayMount } from '../../../dist/disk/overlay/options.js';
import { view } from '../../../dist/disk/trouble.js';
import { readGroup } from '../../../dist/disk/volume/lvm/group.js';
import { parseMetadata } from '../../../dist/disk/volume/lvm/text.js';
import { Volumes } from '../../../dist/disk/volume/lvm/volumes.js';
import { JournalObjects } from '../../../dist/facts/journal-file/objects.js';
import { parseAssignments } from '../../../dist/inspect/parse/assignments.js';
import { parseNetplan } from '../../../dist/inspect/parse/netplan.js';

const u16 = (value) => Buffer.from([value & 0xff, value >>> 8]);
const be16 = (value) => u16(value).reverse();
const u32 = (value) => Buffer.from(new Uint32Array([value]).buffer);
const be32 = (value) => u32(value).reverse();
const u64 = (value) => Buffer.from(new BigUint64Array([BigInt(value)]).buffer);
const be64 = (value) => u64(value).reverse();

/** Where bytes stand, at whole steps. */
function placesOf(disk, bytes, step = 1) {
  const wanted = Buffer.from(bytes, 'latin1');
  const found = [];
  for (const index of disk.numbers()) {
    const page = disk.bytes(index * 4096, Math.min(4096, disk.size - index * 4096));
    for (let at = page.indexOf(wanted); at >= 0; at = page.indexOf(wanted, at + 1))
      if ((index * 4096 + at) % step === 0) found.push(index * 4096 + at);
  }
  if (found.length === 0) throw new Error(`nothing of the disk is ${wanted.toString('hex')}`);
  return found;
}

/** A write at each place, moved on by some bytes. */
const writeAll = (disk, places, offset, bytes) => {
  for (const at of places) disk.write(at + offset, bytes);
};

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

/** Changes the JSON of both headers. */
function editLuks2(disk, change) {
  for (const at of [4096, 16_384 + 4096]) {
    const text = disk.bytes(at, 12_288).toString('latin1');
    const json = JSON.parse(text.slice(0, text.indexOf('\0')));
    change(json);
    const bytes = Buffer.alloc(12_288);
    bytes.write(JSON.stringify(json));
    disk.write(at, bytes);
  }
}

/** @typedef {{ bound: string, image?: string, edit?: Function, call?: Function }} Reach */

/** @type {Reach[]} */
export const reaches = [
  {
    bound: 'disk/codec/cpio-read LONGEST_PATH',
    image: 'cpio',
    edit: (disk) => disk.write(94, Buffer.from('00002000')),
  },
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
    bound: 'disk/fs/fat/chain loop',
    image: 'fat12',
    edit: (disk) => {
      // Every cluster is followed by itself.
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
    bound: 'disk/fs/xfs/attributes loop',
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
  // Images
  {
    bound: 'disk/image/qcow2-header LONGEST_BACKING_NAME',
    image: 'qcow2-backed',
    edit: (disk) => disk.write(16, be32(2000)),
  },
  {
    bound: 'disk/image/qcow2-header LARGEST_L1',
    image: 'qcow2-backed',
    edit: (disk) => disk.write(36, be32(0x7fffffff)),
  },
  {
    bound: 'disk/image/qcow2-header LARGEST_REFCOUNT_TABLE',
    image: 'qcow2-backed',
    edit: (disk) => disk.write(56, be32(0xffffff)),
  },
  { bound: 'disk/image/qcow2-snapshots MOST', image: 'qcow2-sub', edit: (disk) => disk.write(60, be32(70_000)) },
  {
    bound: 'disk/image/qcow2-snapshots LARGEST_EXTRA',
    image: 'qcow2-sub',
    edit: (disk) => disk.write(Number(disk.bytes(64, 8).readBigUInt64BE(0)) + 36, be32(5000)),
  },
  {
    bound: 'disk/image/vdi MOST_BLOCKS',
    image: 'vdi',
    edit: (disk) => [disk.write(384, u32(0x20000001)), disk.write(368, u64(2 ** 49))],
  },
  {
    bound: 'disk/image/vhdx LARGEST_BAT',
    image: 'vhdx',
    edit: (disk) =>
      writeAll(disk, placesOf(disk, Buffer.from('6677c22d23f600429d64115e9bfd4a08', 'hex')), 24, u32(2 ** 27)),
  },
  { bound: 'disk/image/vmdk LARGEST_DESCRIPTOR', image: 'vmdk', edit: (disk) => disk.write(36, u64(4096)) },
  { bound: 'disk/image/vmdk LARGEST_DESCRIPTOR', image: 'vmdk-flat', edit: (disk) => (disk.size = 2 ** 21) },
  { bound: 'disk/image/vmdk-header MOST_TABLES', image: 'vmdk', edit: (disk) => disk.write(12, u64(2 ** 41)) },
  {
    bound: 'disk/image/vmdk-descriptor MOST_EXTENTS',
    image: 'vmdk-flat',
    edit: (disk) => {
      const text = disk.bytes(0, disk.size).toString('latin1');
      const bytes = Buffer.from(text.replace(/^RW.*$/m, 'RW 1 ZERO\n'.repeat(5000)), 'latin1');
      disk.size = bytes.length;
      disk.write(0, bytes);
    },
  },
  // Partition tables
  { bound: 'disk/partition/gpt LARGEST_ARRAY', image: 'gpt', edit: (disk) => disk.write(512 + 80, u32(100_000)) },
  {
    bound: 'disk/partition/mbr MOST_LOGICAL',
    image: 'dos',
    edit: (disk) => {
      const table = disk.bytes(446, 64);
      const first = [0, 16, 32, 48].find((at) => table[at + 4] === 5);
      const start = table.readUInt32LE(first + 8);
      for (let i = 0; i < 140; i++) {
        const entry = Buffer.alloc(66);
        entry[4] = 0x83;
        entry.writeUInt32LE(1, 8);
        entry.writeUInt32LE(1, 12);
        entry[20] = 5;
        entry.writeUInt32LE((i + 1) * 2, 24);
        entry.writeUInt32LE(2, 28);
        entry.writeUInt16LE(0xaa55, 64);
        disk.write((start + i * 2) * 512 + 446, entry);
      }
    },
  },
  {
    bound: 'disk/partition/mbr loop',
    image: 'dos',
    edit: (disk) => {
      const table = disk.bytes(446, 64);
      const first = [0, 16, 32, 48].find((at) => table[at + 4] === 5);
      const at = table.readUInt32LE(first + 8) * 512 + 446 + 16;
      const entry = Buffer.alloc(16);
      entry[4] = 5;
      entry.writeUInt32LE(4, 12);
      disk.write(at, entry);
    },
  },
  {
    bound: 'disk/volume/stack MOST_VOLUMES',
    image: 'gpt',
    kind: 'stack',
    edit: (disk) => {
      disk.write(512 + 40, u64(2500));
      disk.write(512 + 80, u32(8192));
      const entry = disk.bytes(1024, 128);
      for (let i = 0; i < 5000; i++) {
        entry.writeUInt32LE(i, 16);
        entry.writeBigUInt64LE(BigInt(3000 + i), 32);
        entry.writeBigUInt64LE(BigInt(3000 + i), 40);
        disk.write(1024 + i * 128, entry);
      }
    },
  },
  // Volumes
  { bound: 'disk/volume/luks/unlock MOST_STRIPES', image: 'luks1', edit: (disk) => disk.write(208 + 44, be32(10_000)) },
  { bound: 'disk/volume/luks/unlock LARGEST_KEY', image: 'luks1', edit: (disk) => disk.write(108, be32(500)) },
  {
    bound: 'disk/volume/luks/json MOST',
    image: 'luks2',
    edit: (disk) =>
      editLuks2(disk, (json) => {
        json.keyslots = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [i, {}]));
      }),
  },
  {
    bound: 'disk/volume/md/array MOST_DEVICES',
    image: 'md-1.2-raid0',
    edit: (disk) => writeAll(disk, placesOf(disk, u32(0xa92b4efc), 4096), 92, u32(400)),
  },
  {
    bound: 'disk/volume/md/version-1 MOST_ROLES',
    image: 'md-1.2-raid0',
    edit: (disk) => writeAll(disk, placesOf(disk, u32(0xa92b4efc), 4096), 220, u32(2000)),
  },
  {
    bound: 'disk/volume/lvm/label MOST_AREAS',
    image: 'lvm',
    edit: (disk) => {
      for (const at of placesOf(disk, 'LABELONE', 512))
        disk.write(at + 32 + 40, Buffer.concat(Array.from({ length: 20 }, () => Buffer.concat([u64(65_536), u64(1)]))));
    },
  },
  {
    bound: 'disk/volume/lvm/label LARGEST_TEXT',
    image: 'lvm',
    edit: (disk) => writeAll(disk, placesOf(disk, ' LVM2 x[5A%r0N*>'), 44, u64(2 ** 25)),
  },
  { bound: 'disk/volume/lvm/text DEEPEST', call: () => parseMetadata(view(Buffer.from('a { '.repeat(20)), 'text', 0)) },
  {
    bound: 'disk/volume/lvm/text MOST_VALUES',
    call: () => parseMetadata(view(Buffer.from(`a = [${'1,'.repeat(600_000)}]`), 'text', 0)),
  },
  // Facts
  { bound: 'disk/fstab MOST', call: () => parseFstab('a /b ext4 defaults 0 0\n'.repeat(3000)) },
  {
    bound: 'disk/fstab MOST',
    call: () => parseCrypttab(Array.from({ length: 3000 }, (_, i) => `name-${i} UUID=${i}\n`).join('')),
  },
  { bound: 'disk/overlay/open MOST_WITHIN', image: 'stack-overlay', edit: () => {} },
  { bound: 'disk/overlay/options MOST_LAYERS', call: () => overlayMount([`lowerdir=${'/a:'.repeat(501)}`]) },
  {
    bound: 'disk/volume/luks/json MOST',
    image: 'luks2',
    edit: (disk) => editLuks2(disk, (json) => (json.digests['0'].keyslots = Array.from({ length: 40 }, () => '0'))),
  },
  {
    bound: 'disk/image/qcow2-snapshots LARGEST_TABLE',
    image: 'qcow2-sub',
    edit: (disk) => {
      let at = Number(disk.bytes(64, 8).readBigUInt64BE(0));
      disk.size = 2 ** 27;
      disk.write(60, be32(600));
      for (let i = 0; i < 600; i++) {
        const head = Buffer.alloc(40);
        head.writeUInt16BE(0xffff, 12);
        head.writeUInt16BE(0xffff, 14);
        head.writeUInt32BE(1024, 36);
        disk.write(at, head);
        at += 40 + 1024 + 2 * 0xffff + 2;
      }
    },
  },
  {
    bound: 'disk/image/open LONGEST_CHAIN',
    image: 'qcow2-over-qcow2',
    // It names itself.
    edit: (disk) => {
      const own = `mutant-${process.pid}-${threadId}.qcow2`;
      disk.write(Number(disk.bytes(8, 8).readBigUInt64BE(0)), Buffer.from(own));
      disk.write(16, be32(own.length));
    },
  },
  {
    bound: 'facts/rpm/sqlite MOST_PAGES',
    image: 'rpm-sqlite',
    // Leaves become inner pages that lead to themselves.
    edit: (disk) => {
      for (let page = 1; page < 61; page++)
        if (disk.bytes(page * 4096, 1)[0] === 13)
          disk.write(page * 4096, Buffer.concat([Buffer.from([5, 0, 0, 0, 0, 0, 0, 0]), be32(page + 1)]));
    },
  },
  {
    bound: 'facts/rpm/sqlite LARGEST_ROW',
    image: 'rpm-sqlite',
    edit: (disk) => {
      for (let page = 1; page < 61; page++) {
        const head = disk.bytes(page * 4096, 12);
        if (head[0] === 13 && head.readUInt16BE(3) > 0)
          disk.write(page * 4096 + head.readUInt16BE(8), Buffer.from('c080808000', 'hex'));
      }
    },
  },
  { bound: 'facts/rpm/header MOST_TAGS', image: 'rpm-ndb', edit: (disk) => disk.write(4096 + 16, be32(70_000)) },
  {
    bound: 'facts/journal-file/objects MOST_ARRAYS',
    call: () => new JournalObjects(manyArrays(100_002)).entryOffsets(),
  },
  {
    bound: 'facts/offline/disk MOST_LINKS',
    image: 'system-gentoo',
    edit: (disk) => {
      for (const at of placesOf(disk, '../usr/share/zoneinfo/Europe/Berlin')) {
        disk.write(at, Buffer.from('/etc/localtime\0'));
        disk.write(at - 36, u32(14));
      }
    },
  },
  {
    bound: 'inspect/parse/assignments MOST',
    call: () => parseAssignments(Array.from({ length: 3000 }, (_, i) => `name_${i}=x\n`).join('')),
  },
  {
    bound: 'inspect/parse/netplan MOST',
    call: () =>
      parseNetplan(`network:\n  ethernets:\n${Array.from({ length: 1500 }, (_, i) => `    e${i}: {}\n`).join('')}`),
  },
  {
    bound: 'disk/volume/lvm/group MOST_VOLUMES',
    call: () => groupOf(`logical_volumes { ${Array.from({ length: 5000 }, (_, i) => `v${i} {}`).join(' ')} }`),
  },
  {
    bound: 'disk/volume/lvm/group MOST_STRIPES',
    call: () =>
      groupOf(`logical_volumes { v { ${segmentOn(Array.from({ length: 300 }, () => '"pv0", 0').join(', '))} } }`),
  },
  {
    bound: 'disk/volume/lvm/volumes DEEPEST',
    call: async () => {
      const volumes = Array.from(
        { length: 10 },
        (_, i) => `v${i} { ${segmentOn(`"${i < 9 ? `v${i + 1}` : 'pv0'}", 0`)} }`,
      );
      const group = groupOf(`logical_volumes { ${volumes.join(' ')} }`);
      await new Volumes(group, new Map()).open(group.logical.get('v0'));
    },
  },
];

const segmentOn = (stripes) =>
  `status = ["VISIBLE"] segment_count = 1 segment1 { start_extent = 0 extent_count = 1 type = "striped" stripe_count = 1 stripes = [${stripes}] }`;

function groupOf(text) {
  const head =
    'id = "x" seqno = 1 extent_size = 128 physical_volumes { pv0 { id = "y" status = [] pe_start = 0 pe_count = 9 } }';
  return readGroup('vg', parseMetadata(view(Buffer.from(`${head} ${text}`), 'text', 0)));
}

/** A journal of nothing but arrays without an entry. */
function manyArrays(count) {
  const bytes = Buffer.alloc(256 + count * 32);
  bytes.write('LPKSHHRH');
  bytes.writeBigUInt64LE(1n, 152);
  bytes.writeBigUInt64LE(256n, 176);
  for (let i = 0; i < count; i++) {
    const at = 256 + i * 32;
    bytes[at] = 6;
    bytes.writeBigUInt64LE(24n, at + 8);
    bytes.writeBigUInt64LE(BigInt(at + 32), at + 16);
  }
  return bytes;
}
