import { corrupt } from '../../trouble.ts';
import { deviceOf, type NodeStat, type NodeType } from '../file-system.ts';
import { MetadataCursor, type SquashVolume } from './volume.ts';

const NONE = 0xffffffff;
const TYPES: (NodeType | undefined)[] = [
  undefined,
  'directory',
  'file',
  'symlink',
  'block',
  'character',
  'fifo',
  'socket',
];
/** The most blocks of one file: 16 TiB in blocks of 1 MiB, 2 TiB in blocks of 128 KiB. */
const MOST_BLOCKS = 2 ** 24;

export interface Inode {
  stat: NodeStat;
  xattr: number | undefined;
  directory: { block: number; offset: number; size: number } | undefined;
  target: Buffer | undefined;
  file:
    | {
        /** Where the first block lies. */
        start: number;
        blocks: number;
        /** Reads the sizes of the blocks. */
        sizes: MetadataCursor;
        fragment: { index: number; offset: number } | undefined;
      }
    | undefined;
}

/** The type that a directory entry or an inode says. */
export function typeOf(number: number): NodeType | undefined {
  return TYPES[number > 7 ? number - 7 : number];
}

/** @param reference the inode's block in the upper bits, its offset in the lower 16 */
export async function readInode(volume: SquashVolume, reference: number, signal?: AbortSignal): Promise<Inode> {
  const block = volume.sb.inodeTable + Math.floor(reference / 65536);
  const cursor = new MetadataCursor(volume, block, reference % 65536);
  const name = `squashfs inode at ${block}+${reference % 65536}`;
  const head = await cursor.take(16, name, signal);
  const number = head.u16le(0);
  const type = typeOf(number);
  if (!type) throw head.corrupt(0, `an inode of type ${number}`);
  const extended = number > 7;
  const inode: Inode = {
    stat: {
      ino: head.u32le(12),
      type,
      mode: head.u16le(2) & 0o7777,
      uid: await idOf(volume, head.u16le(4), signal),
      gid: await idOf(volume, head.u16le(6), signal),
      nlink: 1,
      size: 0,
      allocated: 0,
      mtime: { seconds: head.u32le(8), nanoseconds: 0 },
      atime: undefined,
      ctime: undefined,
      btime: undefined,
      device: undefined,
    },
    xattr: undefined,
    directory: undefined,
    target: undefined,
    file: undefined,
  };
  const { stat } = inode;
  const xattr = (index: number) => {
    inode.xattr = index === NONE ? undefined : index;
  };
  if (type === 'directory') {
    const body = await cursor.take(extended ? 24 : 16, name, signal);
    stat.nlink = body.u32le(extended ? 0 : 4);
    stat.size = extended ? body.u32le(4) : body.u16le(8);
    inode.directory = {
      block: body.u32le(extended ? 8 : 0),
      offset: body.u16le(extended ? 18 : 10),
      // Three bytes stand for the entries `.` and `..` that are not written.
      size: Math.max(0, stat.size - 3),
    };
    if (extended) xattr(body.u32le(20));
  } else if (type === 'file') {
    const body = await cursor.take(extended ? 40 : 16, name, signal);
    const [start, size] = extended ? [body.u64le(0), body.u64le(8)] : [body.u32le(0), body.u32le(12)];
    const [index, offset] = extended ? [body.u32le(28), body.u32le(32)] : [body.u32le(4), body.u32le(8)];
    if (extended) xattr(body.u32le(36));
    if (extended) stat.nlink = body.u32le(24);
    stat.size = size;
    stat.allocated = size - (extended ? Math.min(size, body.u64le(16)) : 0);
    const fragment = index === NONE ? undefined : { index, offset };
    const blocks = fragment ? Math.floor(size / volume.sb.blockSize) : Math.ceil(size / volume.sb.blockSize);
    if (blocks > MOST_BLOCKS) throw body.corrupt(0, `a file of ${blocks} blocks`);
    inode.file = { start, blocks, sizes: cursor, fragment };
  } else if (type === 'symlink') {
    const body = await cursor.take(8, name, signal);
    stat.nlink = body.u32le(0);
    stat.size = body.u32le(4);
    if (stat.size === 0 || stat.size > 65535) throw body.corrupt(4, `a symbolic link of ${stat.size} bytes`);
    inode.target = Buffer.from((await cursor.take(stat.size, name, signal)).bytes);
    if (extended) xattr((await cursor.take(4, name, signal)).u32le(0));
  } else {
    const device = type === 'block' || type === 'character';
    const body = await cursor.take((device ? 8 : 4) + (extended ? 4 : 0), name, signal);
    stat.nlink = body.u32le(0);
    if (device) stat.device = deviceOf(body.u32le(4));
    if (extended) xattr(body.u32le(device ? 8 : 4));
  }
  return inode;
}

async function idOf(volume: SquashVolume, index: number, signal?: AbortSignal): Promise<number> {
  if (index >= volume.sb.ids) throw corrupt('squashfs id table', volume.sb.idTable, `id ${index} of ${volume.sb.ids}`);
  const cursor = await volume.tableEntry(volume.sb.idTable, index, 4, signal);
  return (await cursor.take(4, 'squashfs id table', signal)).u32le(0);
}
