import { view } from '../../../../dist/disk/trouble.js';
import { parseMetadata } from '../../../../dist/disk/volume/lvm/text.js';
import { be32, placesOf, u32, u64, writeAll } from './places.mjs';

/** Changes the JSON of both headers. */
export function editLuks2(disk, change) {
  for (const at of [4096, 16_384 + 4096]) {
    const text = disk.bytes(at, 12_288).toString('latin1');
    const json = JSON.parse(text.slice(0, text.indexOf('\0')));
    change(json);
    const bytes = Buffer.alloc(12_288);
    bytes.write(JSON.stringify(json));
    disk.write(at, bytes);
  }
}

/** Arrays of one device each, every one the data of the one before. */
function nestArrays(disk, count) {
  for (const index of disk.numbers()) disk.write(index * 4096, Buffer.alloc(4096));
  const sectors = disk.size / 512;
  for (let i = 0; i < count; i++) {
    const sb = Buffer.alloc(258);
    for (const [at, value] of [
      [0, 0xa92b4efc],
      [4, 1],
      [72, 1],
      [92, 1],
      [220, 1],
    ])
      sb.writeUInt32LE(value, at);
    sb.fill(i + 1, 16, 32);
    sb.write(`nested-${i}`, 32);
    for (const [at, value] of [
      [80, sectors - (i + 1) * 16],
      [128, 16],
      [136, sectors - (i + 1) * 16],
      [144, 8],
    ])
      sb.writeBigUInt64LE(BigInt(value), at);
    sb.writeBigUInt64LE(2n ** 64n - 1n, 208);
    let sum = sb.readUInt16LE(256);
    for (let at = 0; at < 256; at += 4) sum += sb.readUInt32LE(at);
    sb.writeUInt32LE((sum % 2 ** 32) + Math.floor(sum / 2 ** 32), 216);
    disk.write(4096 + i * 8192, sb);
  }
}

/** @type {import('./index.mjs').Reach[]} */
export const disks = [
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
    bound: 'disk/partition/mbr met twice',
    line: 'the chain comes back to this record',
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
  {
    bound: 'disk/volume/stack DEEPEST',
    image: 'dos',
    kind: 'stack',
    edit: (disk) => nestArrays(disk, 12),
  },
];
