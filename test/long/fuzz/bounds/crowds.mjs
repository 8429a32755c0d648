// Disks on which there is more of something than a list holds: subvolumes, groups, names, files.

import { Vfs } from '../../../../dist/disk/vfs.js';
import { PoweredOff } from '../../../../dist/facts/offline/disk.js';
import { takeCensus } from '../../../../dist/inspect/census.js';
import { placesOf, u16, u32, u64 } from './places.mjs';

const LEAF = 101;
const ITEM = 25;

/** Three hundred references from the topmost tree of a Btrfs with nodes of 64 KiB, in the one leaf of its tree of roots. */
function crowdSubvolumes(disk) {
  const superblock = disk.bytes(65536, 4096);
  const size = superblock.readUInt32LE(148);
  const copies = placesOf(disk, superblock.subarray(32, 48))
    .filter((at) => at % 4096 === 32 && disk.bytes(at + 16, 8).equals(superblock.subarray(80, 88)))
    .map((at) => at - 32);
  const node = disk.bytes(copies[0], size);
  const items = Array.from({ length: node.readUInt32LE(96) }, (_, i) => {
    const head = node.subarray(LEAF + i * ITEM, LEAF + (i + 1) * ITEM);
    const at = LEAF + head.readUInt32LE(17);
    return { key: head.subarray(0, 17), data: node.subarray(at, at + head.readUInt32LE(21)) };
  });
  const isAfter = ({ key }) => key.readBigUInt64LE(0) > 5n || (key.readBigUInt64LE(0) === 5n && key[8] > 156);
  const behind = items.findIndex(isAfter);
  const references = Array.from({ length: 300 }, (_, i) => ({
    key: Buffer.concat([u64(5), Buffer.from([156]), u64(1000 + i)]),
    data: Buffer.concat([u64(256), u64(2 + i), u16(4), Buffer.from(`s${100 + i}`)]),
  }));
  items.splice(behind < 0 ? items.length : behind, 0, ...references);
  const leaf = Buffer.alloc(size);
  node.copy(leaf, 0, 0, LEAF);
  leaf.writeUInt32LE(items.length, 96);
  let end = size;
  for (const [i, { key, data }] of items.entries()) {
    end -= data.length;
    data.copy(leaf, end);
    Buffer.concat([key, u32(end - LEAF), u32(data.length)]).copy(leaf, LEAF + i * ITEM);
  }
  for (const at of copies) disk.write(at, leaf);
}

const GROUPS = 4200;

/** An ext2 of 4,200 groups that share one table of inodes; its root names a file in each. */
function crowdGroups(disk) {
  const superblock = disk.bytes(1024, 1024);
  const each = superblock.readUInt32LE(40);
  const inodes = disk.bytes(disk.bytes(2048, 32).readUInt32LE(8) * 1024, each * 128);
  const file = Array.from({ length: each }, (_, i) => i).find((i) => inodes.readUInt16LE(i * 128) >>> 12 === 8);
  const [table, map, first] = [10_000, 10_999, 11_000];
  const names = Array.from({ length: GROUPS }, (_, i) =>
    Buffer.concat([u32(i * each + file + 1), u16(12), Buffer.from([4, 1]), Buffer.from(`${1000 + i}`)]),
  );
  const blocks = Array.from({ length: Math.ceil(GROUPS / 85) }, (_, i) => {
    const entries = names.slice(i * 85, (i + 1) * 85);
    const block = Buffer.concat([...entries, Buffer.alloc(1024 - entries.length * 12)]);
    block.writeUInt16LE(1024 - (entries.length - 1) * 12, (entries.length - 1) * 12 + 4);
    return block;
  });
  const root = inodes.subarray(128, 256);
  root.writeUInt32LE(blocks.length * 1024, 4);
  for (let i = 0; i < 12; i++) root.writeUInt32LE(first + i, 40 + i * 4);
  root.writeUInt32LE(map, 40 + 12 * 4);
  disk.size = (GROUPS * 8192 + 1) * 1024;
  disk.write(1024, Buffer.concat([u32(GROUPS * each), u32(GROUPS * 8192 + 1)]));
  const descriptor = Buffer.concat([u32(9998), u32(9999), u32(table), Buffer.alloc(20)]);
  disk.write(2048, Buffer.concat(Array.from({ length: GROUPS }, () => descriptor)));
  disk.write(table * 1024, inodes);
  disk.write(map * 1024, Buffer.concat(blocks.slice(12).map((_, i) => u32(first + 12 + i))));
  disk.write(first * 1024, Buffer.concat(blocks));
}

/** A system whose topmost folder has so many files of no bytes. */
function systemOf(count) {
  const stat = { mode: 0o644, size: 0, uid: 0, gid: 0, nlink: 1, allocated: 0 };
  const file = { stat: { ...stat, type: 'file', ino: 2 } };
  const name = Buffer.from('a');
  const node = async () => file;
  const root = {
    stat: { ...stat, type: 'directory', ino: 1 },
    async *entries() {
      for (let i = 0; i < count; i++) yield { name, type: 'file', ino: 2, node };
    },
  };
  return new PoweredOff({}, { vfs: new Vfs({ root: async () => root }) });
}

/** @type {import('./index.mjs').Reach[]} */
export const crowds = [
  { bound: 'disk/fs/btrfs/subvolumes MOST', image: 'btrfs-crowded', edit: crowdSubvolumes },
  { bound: 'disk/fs/ext/volume MOST_GROUPS_KEPT', image: 'ext2', edit: crowdGroups },
  { bound: 'facts/offline/disk MOST_ENTRIES', image: 'a tree of names', call: () => systemOf(100_001).names('/') },
  {
    bound: 'inspect/census MOST_FILES',
    image: 'a tree of names',
    call: () => takeCensus(systemOf(20_000_001), { files: 0 }),
    // Milliseconds of processor time: it counts to 20 million.
    most: 300_000,
  },
];
