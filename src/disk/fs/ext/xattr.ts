import { type ByteView, crc32c } from '../../../core/index.ts';
import { view } from '../../trouble.ts';
import type { Xattr } from '../file-system.ts';
import { RO_COMPAT } from './features.ts';
import { INODE_FLAG, type Inode } from './inode.ts';
import type { ExtVolume } from './volume.ts';

const MAGIC = 0xea020000;
const BLOCK_HEADER = 32;
const LONGEST_VALUE = 2 ** 16;
const ACL_ACCESS = 2;
const ACL_DEFAULT = 3;
const SYSTEM = 7;

const PREFIXES: Record<number, string> = {
  0: '',
  1: 'user.',
  [ACL_ACCESS]: 'system.posix_acl_access',
  [ACL_DEFAULT]: 'system.posix_acl_default',
  4: 'trusted.',
  6: 'security.',
  [SYSTEM]: 'system.',
  8: 'system.richacl',
};

/** The extended attributes of an inode, as listxattr(2) and getxattr(2) give them. */
export async function readXattrs(volume: ExtVolume, inode: Inode, signal?: AbortSignal): Promise<Xattr[]> {
  const found: Xattr[] = [];
  for await (const raw of rawXattrs(volume, inode, signal)) {
    if (raw.index === SYSTEM && raw.name.toString('latin1') === 'data') continue;
    const acl = raw.index === ACL_ACCESS || raw.index === ACL_DEFAULT;
    const prefix = PREFIXES[raw.index] ?? `unknown-${raw.index}.`;
    found.push({
      name: Buffer.concat([Buffer.from(prefix), raw.name]),
      value: acl ? aclValue(raw.value) : raw.value.bytes,
    });
  }
  return found;
}

/** What an inode with inline data holds beyond its first 60 bytes (attribute system.data). */
export function inlineRest(volume: ExtVolume, inode: Inode): ByteView | undefined {
  if (!hasXattrs(inode)) return undefined;
  const first = inode.body.view(4, inode.body.length - 4);
  for (const entry of entries(volume, first, first)) {
    if (entry.index !== SYSTEM || entry.name.toString('latin1') !== 'data' || entry.inode !== 0) continue;
    return first.view(entry.offset, entry.size, `inline data of inode ${inode.stat.ino}`);
  }
  return undefined;
}

function hasXattrs(inode: Inode): inode is Inode & { body: ByteView } {
  return inode.body !== undefined && inode.body.length >= 8 && inode.body.u32le(0) === MAGIC;
}

interface RawXattr {
  index: number;
  name: Buffer;
  value: ByteView;
}

async function* rawXattrs(volume: ExtVolume, inode: Inode, signal?: AbortSignal): AsyncGenerator<RawXattr> {
  if (hasXattrs(inode)) {
    const first = inode.body.view(4, inode.body.length - 4);
    yield* withValues(volume, inode, first, first, signal);
  }
  if (inode.xattrBlock === 0) return;
  volume.checkBlocks(inode.block, 0, inode.xattrBlock, 1);
  const block = await volume.block(inode.xattrBlock, `xattr block of inode ${inode.stat.ino}`, signal);
  if (block.u32le(0) !== MAGIC) throw block.corrupt(0, 'the magic number of an xattr block is missing');
  if (block.u32le(8) !== 1) throw block.corrupt(8, `an xattr block that spans ${block.u32le(8)} blocks`);
  checkSum(volume, inode.xattrBlock, block);
  yield* withValues(volume, inode, block.view(BLOCK_HEADER, block.length - BLOCK_HEADER), block, signal);
}

async function* withValues(
  volume: ExtVolume,
  inode: Inode,
  list: ByteView,
  values: ByteView,
  signal: AbortSignal | undefined,
): AsyncGenerator<RawXattr> {
  for (const { index, name, inode: ino, offset, size } of entries(volume, list, values)) {
    const structure = `xattr of inode ${inode.stat.ino}`;
    const value = ino === 0 ? values.view(offset, size, structure) : await valueInode(volume, list, ino, size, signal);
    yield { index, name, value };
  }
}

interface Entry {
  index: number;
  name: Buffer;
  inode: number;
  offset: number;
  size: number;
}

function* entries(volume: ExtVolume, list: ByteView, values: ByteView): Generator<Entry> {
  for (let at = 0; at + 4 <= list.length && list.u32le(at) !== 0; ) {
    const nameLength = list.u8(at);
    const entry: Entry = {
      index: list.u8(at + 1),
      name: list.slice(at + 16, nameLength),
      inode: list.u32le(at + 4),
      offset: list.u16le(at + 2),
      size: list.u32le(at + 8),
    };
    if (entry.size > LONGEST_VALUE) throw list.corrupt(at + 8, `an xattr of ${entry.size} bytes`);
    if (entry.inode > volume.sb.inodes) throw list.corrupt(at + 4, `an xattr in inode ${entry.inode}`);
    if (entry.inode === 0 && entry.offset + entry.size > values.length) {
      throw list.corrupt(at + 2, `an xattr value of ${entry.size} bytes at ${entry.offset}`);
    }
    yield entry;
    at += 16 + Math.ceil(nameLength / 4) * 4;
  }
}

/** A large value is the content of an inode of its own (ea_inode). */
async function valueInode(volume: ExtVolume, list: ByteView, ino: number, size: number, signal?: AbortSignal) {
  const inode = await volume.inode(ino, signal);
  if (!(inode.flags & INODE_FLAG.eaInode) || inode.stat.size !== size) {
    throw list.corrupt(0, `inode ${ino} does not hold the xattr value of ${size} bytes`);
  }
  const bytes = await volume.readFile(inode, 0, size, signal);
  return view(bytes, `xattr value in inode ${ino}`, 0);
}

function checkSum(volume: ExtVolume, number: number, block: ByteView): void {
  if (!volume.verify || !(volume.sb.roCompat & RO_COMPAT.metadata_csum)) return;
  const le64 = Buffer.alloc(8);
  le64.writeBigUInt64LE(BigInt(number));
  const before = crc32c(crc32c(crc32c(volume.sb.seed, le64), block.slice(0, 16)), Buffer.alloc(4));
  if (crc32c(before, block.slice(20, block.length - 20)) !== block.u32le(16)) {
    throw block.corrupt(16, 'the checksum of the xattr block is wrong');
  }
}

/** An ACL stands in a short form on the disk; Linux hands it out with an id in every entry (version 2). */
function aclValue(acl: ByteView): Buffer {
  if (acl.u32le(0) !== 1) throw acl.corrupt(0, `an ACL of version ${acl.u32le(0)}`);
  const parts = [Buffer.from([2, 0, 0, 0])];
  for (let at = 4; at < acl.length; ) {
    const tag = acl.u16le(at);
    const named = tag === 2 || tag === 8;
    const entry = Buffer.alloc(8);
    acl.slice(at, 4).copy(entry);
    entry.writeUInt32LE(named ? acl.u32le(at + 4) : 0xffffffff, 4);
    parts.push(entry);
    at += named ? 8 : 4;
  }
  return Buffer.concat(parts);
}
