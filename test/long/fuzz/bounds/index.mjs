// Each bound of a reader, and what drives it there: one of the sound images of the fuzzer, edited, or text alone.
import { threadId } from 'node:worker_threads';
import { decompressors } from '../../../../dist/disk/codec/decompress.js';
import { parseCrypttab, parseFstab } from '../../../../dist/disk/fstab.js';
import { overlayMount } from '../../../../dist/disk/overlay/options.js';
import { view } from '../../../../dist/disk/trouble.js';
import { readGroup } from '../../../../dist/disk/volume/lvm/group.js';
import { parseMetadata } from '../../../../dist/disk/volume/lvm/text.js';
import { Volumes } from '../../../../dist/disk/volume/lvm/volumes.js';
import { JournalObjects } from '../../../../dist/facts/journal-file/objects.js';
import { parseAssignments } from '../../../../dist/inspect/parse/assignments.js';
import { parseNetplan } from '../../../../dist/inspect/parse/netplan.js';
import { crowds } from './crowds.mjs';
import { disks, editLuks2 } from './disks.mjs';
import { fileSystems } from './file-systems.mjs';
import { be32, placesOf, u32 } from './places.mjs';

/** @typedef {{ bound: string, image?: string, kind?: string, edit?: Function, call?: Function, line?: string, most?: number }} Reach */

/** @type {Reach[]} */
export const reaches = [
  ...fileSystems,
  ...disks,
  ...crowds,
  {
    bound: 'disk/codec/cpio-read LONGEST_PATH',
    image: 'cpio',
    edit: (disk) => disk.write(94, Buffer.from('00002000')),
  },
  {
    bound: 'disk/codec/zstd MOST_FRAMES',
    // Frames of nothing.
    call: () => decompressors.zstd(Buffer.from('28b52ffd2000010000'.repeat(70_000), 'hex'), 100),
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
  {
    bound: 'facts/journal-file/objects way back',
    line: 'leads back to',
    call: () => {
      const bytes = manyArrays(3);
      bytes.writeBigUInt64LE(256n, 256 + 32 + 16);
      return new JournalObjects(bytes).entryOffsets();
    },
  },
  ...['facts/journal-file/read MOST_FILES', 'inspect/initramfs MOST', 'inspect/sections/boot MOST'].map((bound) => ({
    ...{ bound, image: 'system-crowded', edit: () => {} },
  })),
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
