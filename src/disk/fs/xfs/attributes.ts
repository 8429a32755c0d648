import type { ByteView } from '../../../core/index.ts';
import { view } from '../../trouble.ts';
import type { Xattr } from '../file-system.ts';
import { FORMAT, type Fork, type Inode } from './inode.ts';
import { readFork } from './map.ts';
import type { XfsVolume } from './volume.ts';

const FLAG = { local: 1, trusted: 2, security: 4, parent: 8, incomplete: 0x80 } as const;
const MAGIC = { leaf4: 0xfbee, leaf5: 0x3bee, node4: 0xfebe, node5: 0x3ebe } as const;
const LONGEST_VALUE = 65536;
const REMOTE_HEADER = 56;
const DEEPEST = 6;

/** The extended attributes of an inode, as listxattr(2) and getxattr(2) give them. */
export async function readXattrs(volume: XfsVolume, inode: Inode, signal?: AbortSignal): Promise<Xattr[]> {
  const fork = inode.attributes;
  if (!fork) return [];
  if (fork.format === FORMAT.local) return [...shortForm(fork.bytes)].flatMap(shown);
  if (fork.format === FORMAT.extents && fork.extents === 0) return [];
  const found: Xattr[] = [];
  for await (const raw of leaves(volume, inode, fork, signal)) found.push(...shown(raw));
  return found;
}

interface Raw {
  flags: number;
  name: Buffer;
  value: Buffer;
}

function* shortForm(fork: ByteView): Generator<Raw> {
  let at = 4;
  for (let left = fork.u8(2); left > 0; left--) {
    const [nameLength, valueLength, flags] = [fork.u8(at), fork.u8(at + 1), fork.u8(at + 2)];
    const value = Buffer.from(fork.slice(at + 3 + nameLength, valueLength));
    yield { flags, name: fork.slice(at + 3, nameLength), value };
    at += 3 + nameLength + valueLength;
  }
}

/** Goes down the tree on its left side, then along its leaves. */
async function* leaves(volume: XfsVolume, inode: Inode, fork: Fork, signal?: AbortSignal): AsyncGenerator<Raw> {
  const v5 = volume.sb.version === 5;
  let number = 0;
  let block = await attributeBlock(volume, inode, fork, number, signal);
  for (let depth = 0; block.u16be(8) === (v5 ? MAGIC.node5 : MAGIC.node4); depth++) {
    if (depth > DEEPEST) throw block.corrupt(8, 'a tree of attributes that is too deep');
    number = block.u32be((v5 ? 64 : 16) + 4);
    block = await attributeBlock(volume, inode, fork, number, signal);
  }
  const seen = new Set<number>();
  for (;;) {
    if (seen.has(number)) throw block.corrupt(0, 'the leaves of the attributes make a loop');
    seen.add(number);
    yield* leafEntries(volume, inode, fork, block, signal);
    number = block.u32be(0);
    if (number === 0) return;
    block = await attributeBlock(volume, inode, fork, number, signal);
  }
}

async function attributeBlock(volume: XfsVolume, inode: Inode, fork: Fork, number: number, signal?: AbortSignal) {
  const { blockSize } = volume.sb;
  const bytes = await readFork(volume, inode.ino, fork, number * blockSize, blockSize, signal);
  const block = view(bytes, `attributes of XFS inode ${inode.ino}`, number * blockSize);
  volume.checkBlock(block, { sum: 12, owner: 48, ino: inode.ino });
  return block;
}

async function* leafEntries(
  volume: XfsVolume,
  inode: Inode,
  fork: Fork,
  leaf: ByteView,
  signal?: AbortSignal,
): AsyncGenerator<Raw> {
  const v5 = volume.sb.version === 5;
  if (leaf.u16be(8) !== (v5 ? MAGIC.leaf5 : MAGIC.leaf4)) throw leaf.corrupt(8, 'this is no leaf of attributes');
  const [count, first] = v5 ? [leaf.u16be(56), 80] : [leaf.u16be(12), 32];
  for (let i = 0; i < count; i++) {
    const [at, flags] = [leaf.u16be(first + i * 8 + 4), leaf.u8(first + i * 8 + 6)];
    if (flags & FLAG.incomplete) continue;
    if (flags & FLAG.local) {
      const [valueLength, nameLength] = [leaf.u16be(at), leaf.u8(at + 2)];
      const value = Buffer.from(leaf.slice(at + 3 + nameLength, valueLength));
      yield { flags, name: leaf.slice(at + 3, nameLength), value };
      continue;
    }
    const [block, length, nameLength] = [leaf.u32be(at), leaf.u32be(at + 4), leaf.u8(at + 8)];
    if (length > LONGEST_VALUE) throw leaf.corrupt(at + 4, `an attribute of ${length} bytes`);
    const value = await remoteValue(volume, inode, fork, block, length, signal);
    yield { flags, name: leaf.slice(at + 9, nameLength), value };
  }
}

/** A large value has blocks of its own, each with a header in version 5. */
async function remoteValue(
  volume: XfsVolume,
  inode: Inode,
  fork: Fork,
  block: number,
  length: number,
  signal?: AbortSignal,
): Promise<Buffer> {
  const { blockSize, version } = volume.sb;
  if (version !== 5) return readFork(volume, inode.ino, fork, block * blockSize, length, signal);
  const parts: Buffer[] = [];
  for (let left = length, number = block; left > 0; number++) {
    const bytes = await readFork(volume, inode.ino, fork, number * blockSize, blockSize, signal);
    const part = view(bytes, `attribute value of XFS inode ${inode.ino}`, number * blockSize);
    if (part.latin1(0, 4) !== 'XARM') throw part.corrupt(0, 'this is no value of an attribute');
    volume.checkBlock(part, { sum: 12, owner: 32, ino: inode.ino });
    const size = Math.min(left, blockSize - REMOTE_HEADER);
    if (part.u32be(8) !== size) throw part.corrupt(8, `${part.u32be(8)} bytes of a value where ${size} are expected`);
    parts.push(part.slice(REMOTE_HEADER, size));
    left -= size;
  }
  return Buffer.concat(parts);
}

/** The names that Linux shows to root, of an access list two; pointers to parents are none. */
function shown({ flags, name, value }: Raw): Xattr[] {
  if (flags & FLAG.parent) return [];
  const prefix = flags & FLAG.trusted ? 'trusted.' : flags & FLAG.security ? 'security.' : 'user.';
  const own = { name: Buffer.concat([Buffer.from(prefix), name]), value };
  const text = own.name.toString('latin1');
  if (text !== 'trusted.SGI_ACL_FILE' && text !== 'trusted.SGI_ACL_DEFAULT') return [own];
  const kind = text === 'trusted.SGI_ACL_FILE' ? 'access' : 'default';
  return [{ name: Buffer.from(`system.posix_acl_${kind}`), value: aclValue(view(value, 'XFS ACL', 0)) }, own];
}

/** An ACL in Linux's own form (version 2). */
function aclValue(acl: ByteView): Buffer {
  const parts = [Buffer.from([2, 0, 0, 0])];
  for (let i = 0; i < acl.u32be(0); i++) {
    const at = 4 + i * 12;
    const entry = Buffer.alloc(8);
    entry.writeUInt16LE(acl.u32be(at) & 0xffff, 0);
    entry.writeUInt16LE(acl.u16be(at + 8), 2);
    const named = acl.u32be(at) === 2 || acl.u32be(at) === 8;
    entry.writeUInt32LE(named ? acl.u32be(at + 4) : 0xffffffff, 4);
    parts.push(entry);
  }
  return Buffer.concat(parts);
}
