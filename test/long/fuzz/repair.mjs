// Makes checksums right again after bytes were changed: else a checksum is all that is ever tested.
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { crc32c } from '../../../dist/core/index.js';
import { openSum } from '../../../dist/disk/fs/btrfs/sums.js';
import { RPM_DATABASE } from './readers.mjs';
import { ext4 } from './repair-ext.mjs';

const u32 = (value) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
};

/** XFS: every structure that a read brought is known by its mark, and so is the place of its sum. */
async function xfs(disk, places) {
  const marks = { XFSB: 224, XDB3: 4, XDD3: 4, BMA3: 64, XARM: 12, XSLM: 12 };
  for (const [offset, length] of places) {
    const bytes = await disk.read(offset, length);
    const mark = bytes.toString('latin1', 0, 4);
    const at =
      marks[mark] ??
      (mark.startsWith('IN') ? 100 : length > 10 && [0x3bee, 0x3ebe].includes(bytes.readUInt16BE(8)) ? 12 : undefined);
    if (at === undefined || at + 4 > length) continue;
    bytes.writeUInt32LE(0, at);
    disk.write(offset + at, u32(~crc32c(0xffffffff, bytes)));
  }
}

async function partitions(disk) {
  const last = Math.floor(disk.size / 512) - 1;
  for (const lba of [1, last]) {
    const header = await disk.read(lba * 512, 92);
    if (header.toString('latin1', 0, 8) !== 'EFI PART') continue;
    const at = Number(header.readBigUInt64LE(72)) * 512;
    const length = header.readUInt32LE(80) * header.readUInt32LE(84);
    if (length <= 2 ** 20 && at + length <= disk.size) header.writeUInt32LE(crc32(await disk.read(at, length)), 88);
    header.writeUInt32LE(0, 16);
    header.writeUInt32LE(crc32(header), 16);
    disk.write(lba * 512, header);
  }
}

/** Btrfs: every superblock and node that a read brought: each carries the number of the file system. */
async function btrfs(disk, places) {
  let [id, sum] = [];
  for (const [offset, length] of places) {
    if (length < 4096 || length > 65_536) continue;
    const bytes = await disk.read(offset, length);
    const superblock = length === 4096 && bytes.toString('latin1', 64, 72) === '_BHRfS_M';
    if (superblock && !id) [id, sum] = [bytes.subarray(32, 48), await openSum(bytes.readUInt16LE(196) % 4)];
    if (!id || !(superblock || bytes.subarray(32, 48).equals(id))) continue;
    disk.write(offset, sum.of(bytes.subarray(32)));
  }
}

/** MD: every superblock that a read brought, of both versions. */
async function md(disk, places) {
  for (const [offset, length] of places) {
    if (length !== 4096) continue;
    const bytes = await disk.read(offset, length);
    if (bytes.readUInt32LE(0) !== 0xa92b4efc) continue;
    const old = bytes.readUInt32LE(4) === 0;
    const at = old ? 38 * 4 : 216;
    const end = old ? 4096 : Math.min(256 + bytes.readUInt32LE(220) * 2, 4096);
    bytes.writeUInt32LE(0, at);
    let sum = 0;
    for (let i = 0; i + 4 <= end; i += 4) sum += bytes.readUInt32LE(i);
    if (end % 4 !== 0) sum += bytes.readUInt16LE(end - 2);
    disk.write(offset + at, u32((sum % 2 ** 32) + Math.floor(sum / 2 ** 32)));
  }
}

const lvmSum = (bytes) => u32(~crc32(bytes, ~0xf597a6cf >>> 0));

/** LVM2: labels, metadata areas and their texts. */
async function lvm(disk, places) {
  for (const [offset, length] of places) {
    const bytes = await disk.read(offset, length);
    if (length === 2048 && bytes.toString('latin1', 512, 520) === 'LABELONE') {
      disk.write(offset + 512 + 16, lvmSum(bytes.subarray(512 + 20, 1024)));
    }
    if (length !== 512 || bytes.toString('latin1', 4, 20) !== ' LVM2 x[5A%r0N*>') continue;
    const [at, size] = [Number(bytes.readBigUInt64LE(40)), Number(bytes.readBigUInt64LE(48))];
    const text = offset + at;
    if (size < 2 ** 17 && text + size <= disk.size) {
      lvmSum(await disk.read(text, size)).copy(bytes, 56);
      disk.write(offset + 56, bytes.subarray(56, 60));
    }
    disk.write(offset, lvmSum(bytes.subarray(4)));
  }
}

/** LUKS2: both headers of 16 KiB. */
async function luks(disk) {
  for (const offset of [0, 16_384]) {
    const bytes = await disk.read(offset, 16_384);
    if (bytes.readUInt16BE(6) !== 2) continue;
    bytes.fill(0, 448, 512);
    disk.write(offset + 448, createHash('sha256').update(bytes).digest());
  }
}

/** VHD: the footer, and its copy at the beginning. */
async function vpc(disk) {
  for (const at of [0, disk.size - 512]) {
    const bytes = await disk.read(at, 512);
    if (bytes.toString('latin1', 0, 8) !== 'conectix') continue;
    bytes.writeUInt32BE(0, 64);
    bytes.writeUInt32BE(~bytes.reduce((total, byte) => total + byte) >>> 0, 64);
    disk.write(at, bytes);
  }
}

/** VHDX: both headers and both tables of regions. */
async function vhdx(disk) {
  for (const [at, length] of [
    [65_536, 4096],
    [131_072, 4096],
    [196_608, 65_536],
    [262_144, 65_536],
  ]) {
    const bytes = await disk.read(at, length);
    bytes.writeUInt32LE(0, 4);
    disk.write(at + 4, u32(~crc32c(0xffffffff, bytes)));
  }
}

/** What carries sums of the disks on which one thing lies on another. */
async function stack(disk, places) {
  await partitions(disk);
  await md(disk, places);
}

/** xz: the head and the foot of its one stream, the index, and the head of the first block. */
async function xz(disk) {
  const bytes = await disk.read(0, disk.size);
  const foot = bytes.length - 12;
  const index = foot - (bytes.readUInt32LE(foot + 4) + 1) * 4;
  const block = (bytes.readUInt8(12) + 1) * 4;
  for (const [from, end, at] of [
    [6, 8, 8],
    [12, 8 + block, 8 + block],
    [index, foot - 4, foot - 4],
    [foot + 4, foot + 10, foot],
  ]) {
    if (from >= 0 && at <= bytes.length - 4) disk.write(at, u32(crc32(bytes.subarray(from, end))));
  }
}

/** The log behind a database of SQLite: its head, and every frame, which is summed upon those before it. */
async function wal(disk) {
  const start = RPM_DATABASE;
  const log = await disk.read(start, disk.size - start);
  const big = log.readUInt8(3) & 1;
  const size = log.readUInt32BE(8);
  let [a, b] = [0, 0];
  const add = (from, end) => {
    for (let at = from; at < end; at += 8) {
      a = (a + (big ? log.readUInt32BE(at) : log.readUInt32LE(at)) + b) >>> 0;
      b = (b + (big ? log.readUInt32BE(at + 4) : log.readUInt32LE(at + 4)) + a) >>> 0;
    }
  };
  const put = (at) => {
    const sums = Buffer.alloc(8);
    sums.writeUInt32BE(a, 0);
    sums.writeUInt32BE(b, 4);
    disk.write(start + at, sums);
  };
  add(0, 24);
  put(24);
  // A size that is none of a page ends it as it ends the reader.
  if (size < 512 || size % 8 !== 0) return;
  for (let at = 32; at + 24 + size <= log.length; at += 24 + size) {
    add(at, at + 8);
    add(at + 24, at + 24 + size);
    put(at + 16);
  }
}

/** By the kind of an image; what is left out has no checksums, or none that is asked before the content was read. */
export const repairs = {
  ...{ partitions, stack, md, lvm, luks, vpc, vhdx, ext4, xfs, btrfs, 'btrfs-devices': btrfs },
  ...{ 'codec-xz': xz, 'rpm-wal': wal },
};
