// Makes the checksums of ext4 right again: with 1 KiB blocks, and one group where all metadata has sums.
import { crc32c } from '../../../dist/core/index.js';

const BLOCK = 1024;
const INODE = 256;
const RO_COMPAT = { uninit_bg: 0x10, metadata_csum: 0x400 };
const JOURNAL_INODE = 8;
/** No more blocks of one folder or journal are looked at. */
const MOST_BLOCKS = 64;
const NOTHING = Buffer.alloc(4);

const u32 = (value) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
};
const be32 = (value) => u32(value).reverse();
const sumOf = (seed, ...parts) => parts.reduce((sum, part) => crc32c(sum, part), seed);
const blockOf = (disk, number) => disk.bytes(number * BLOCK, BLOCK);

export async function ext4(disk) {
  const sb = disk.bytes(1024, 1024);
  const features = sb.readUInt32LE(100);
  if (features & RO_COMPAT.metadata_csum) summed(disk, sb);
  else if (features & RO_COMPAT.uninit_bg) groups(disk, sb);
}

/** Where only the descriptors of groups have sums: CRC-16 with the reflected polynomial 0xa001. */
function groups(disk, sb) {
  const count = Math.min(Math.ceil(sb.readUInt32LE(4) / Math.max(sb.readUInt32LE(32), 1)), BLOCK / 32);
  for (let group = 0; group < count; group++) {
    const at = 2 * BLOCK + group * 32;
    let crc = 0xffff;
    for (const byte of Buffer.concat([sb.subarray(104, 120), u32(group), disk.bytes(at, 30)])) {
      crc ^= byte;
      for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xa001 : crc >>> 1;
    }
    disk.write(at + 30, u32(crc).subarray(0, 2));
  }
}

function summed(disk, sb) {
  disk.write(1024 + 0x3fc, u32(crc32c(0xffffffff, sb.subarray(0, 0x3fc))));
  const seed = crc32c(0xffffffff, sb.subarray(104, 120));
  const descriptor = disk.bytes(2 * BLOCK, 64);
  descriptor.writeUInt16LE(0, 30);
  disk.write(2 * BLOCK + 30, u32(sumOf(seed, u32(0), descriptor)).subarray(0, 2));
  const table = descriptor.readUInt32LE(8) * BLOCK;
  const count = Math.min(sb.readUInt32LE(40), 256);
  for (let ino = 1; ino <= count; ino++) {
    const at = table + (ino - 1) * INODE;
    const raw = disk.bytes(at, INODE);
    if (raw.readUInt16LE(0) === 0) continue;
    raw.writeUInt16LE(0, 124);
    raw.writeUInt16LE(0, 130);
    const own = sumOf(seed, u32(ino), raw.subarray(100, 104));
    const sum = u32(crc32c(own, raw));
    disk.write(at + 124, sum.subarray(0, 2));
    disk.write(at + 130, sum.subarray(2));
    attributes(disk, seed, raw.readUInt32LE(104));
    const blocks = raw.readUInt32LE(32) & 0x80000 ? mapped(disk, own, raw.subarray(40, 100)) : [];
    if ((raw.readUInt16LE(0) & 0xf000) === 0x4000) folder(disk, own, raw, blocks);
    if (ino === JOURNAL_INODE) journal(disk, blocks);
  }
}

function attributes(disk, seed, number) {
  const block = blockOf(disk, number);
  if (block.readUInt32LE(0) !== 0xea020000) return;
  const own = Buffer.concat([u32(number), NOTHING]);
  disk.write(number * BLOCK + 16, u32(sumOf(seed, own, block.subarray(0, 16), NOTHING, block.subarray(20))));
}

/** The first blocks that extents map; the nodes between get their sums. */
function mapped(disk, own, node, depth = 0) {
  if (node.readUInt16LE(0) !== 0xf30a || depth > 2) return [];
  const found = [];
  const count = Math.min(node.readUInt16LE(2), Math.floor(node.length / 12) - 1);
  for (let at = 12; at < 12 + count * 12 && found.length < MOST_BLOCKS; at += 12) {
    if (node.readUInt16LE(6) === 0) {
      const length = Math.min(node.readUInt16LE(at + 4), MOST_BLOCKS);
      for (let i = 0; i < length; i++) found.push(node.readUInt32LE(at + 8) + i);
      continue;
    }
    const number = node.readUInt32LE(at + 4);
    const child = blockOf(disk, number);
    const tail = 12 + child.readUInt16LE(4) * 12;
    if (tail + 4 > BLOCK || child.readUInt16LE(0) !== 0xf30a) continue;
    disk.write(number * BLOCK + tail, u32(crc32c(own, child.subarray(0, tail))));
    found.push(...mapped(disk, own, child, depth + 1));
  }
  return found;
}

/** Blocks of entries have their sums at the end, nodes of the hash tree behind the room for theirs. */
function folder(disk, own, raw, blocks) {
  const hashed = raw.readUInt32LE(32) & 0x1000;
  for (const [index, number] of blocks.slice(0, Math.ceil(raw.readUInt32LE(4) / BLOCK)).entries()) {
    const block = blockOf(disk, number);
    const node = hashed && (index === 0 || (block.readUInt32LE(0) === 0 && block.readUInt16LE(4) === BLOCK));
    if (!node) {
      disk.write(number * BLOCK + 1020, u32(crc32c(own, block.subarray(0, 1012))));
      continue;
    }
    const at = index === 0 ? 32 : 8;
    const [tail, end] = [at + block.readUInt16LE(at) * 8, at + block.readUInt16LE(at + 2) * 8];
    if (tail + 8 > BLOCK || end > BLOCK) continue;
    const sum = sumOf(own, block.subarray(0, end), block.subarray(tail, tail + 4), NOTHING);
    disk.write(number * BLOCK + tail + 4, u32(sum));
  }
}

/** The journal with sums of version 3: its head, and each block of its log. */
function journal(disk, blocks) {
  const numberOf = (index) => blocks[index] ?? 0;
  const head = blockOf(disk, numberOf(0));
  if (!(head.readUInt32BE(40) & 16)) return;
  head.writeUInt32BE(0, 0xfc);
  disk.write(numberOf(0) * BLOCK + 0xfc, be32(crc32c(0xffffffff, head)));
  const seed = crc32c(0xffffffff, head.subarray(48, 64));
  let sequence = head.readUInt32BE(24);
  for (let index = head.readUInt32BE(28); index > 0 && index < blocks.length; index++) {
    const at = numberOf(index) * BLOCK;
    const block = blockOf(disk, numberOf(index));
    const type = block.readUInt32BE(4);
    if (block.readUInt32BE(0) !== 0xc03b3998) return;
    if (type === 1) index += tags(disk, { seed, sequence, block, at }, (many) => numberOf(index + many));
    const place = type === 2 ? 16 : 1020;
    block.writeUInt32BE(0, place);
    disk.write(at + place, be32(crc32c(seed, block)));
    if (type === 2) sequence = (sequence + 1) >>> 0;
  }
}

/** Each block that a descriptor names has its sum there. @returns how many they are */
function tags(disk, { seed, sequence, block, at }, numberOf) {
  let many = 0;
  for (let tag = 12; tag + 16 <= 1020; ) {
    const flags = block.readUInt32BE(tag + 4);
    many++;
    be32(sumOf(seed, be32(sequence), blockOf(disk, numberOf(many)))).copy(block, tag + 12);
    disk.write(at + tag + 12, block.subarray(tag + 12, tag + 16));
    tag += flags & 2 ? 16 : 32;
    if (flags & 8) break;
  }
  return many;
}
