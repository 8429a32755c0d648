import { view } from '../../trouble.ts';
import type { Xattr } from '../file-system.ts';
import { MetadataCursor, type SquashVolume } from './volume.ts';

const PREFIXES = ['user.', 'trusted.', 'security.'];
const OUT_OF_LINE = 0x100;
const LONGEST_VALUE = 65536;
const MOST = 4096;

/** The attributes under an index of the table. */
export async function readXattrs(
  volume: SquashVolume,
  index: number | undefined,
  signal?: AbortSignal,
): Promise<Xattr[]> {
  const { xattrTable, bytesUsed } = volume.sb;
  if (index === undefined || xattrTable === undefined) return [];
  const structure = 'squashfs xattr table';
  const head = view(await volume.source.read(xattrTable, 16, signal), structure, xattrTable);
  const values = head.u64le(0);
  if (index >= head.u32le(8) || values >= bytesUsed) throw head.corrupt(8, `xattrs ${index} of ${head.u32le(8)}`);
  const entry = await (await volume.tableEntry(xattrTable + 16, index, 16, signal)).take(16, structure, signal);
  const at = (reference: number) =>
    new MetadataCursor(volume, values + Math.floor(reference / 65536), reference % 65536);
  const list = at(entry.u64le(0));
  const count = entry.u32le(8);
  if (count > MOST) throw entry.corrupt(8, `${count} xattrs`);
  const found: Xattr[] = [];
  for (let i = 0; i < count; i++) {
    const key = await list.take(4, structure, signal);
    const type = key.u16le(0);
    const name = (await list.take(key.u16le(2), structure, signal)).bytes;
    const prefix = PREFIXES[type & 0xff] ?? `unknown-${type & 0xff}.`;
    let value = await valueAt(list, signal);
    if (type & OUT_OF_LINE) value = await valueAt(at(view(value, structure, values).u64le(0)), signal);
    found.push({ name: Buffer.concat([Buffer.from(prefix), name]), value });
  }
  return found;
}

async function valueAt(cursor: MetadataCursor, signal?: AbortSignal): Promise<Buffer> {
  const size = await cursor.take(4, 'squashfs xattr value', signal);
  if (size.u32le(0) > LONGEST_VALUE) throw size.corrupt(0, `an xattr of ${size.u32le(0)} bytes`);
  return Buffer.from((await cursor.take(size.u32le(0), 'squashfs xattr value', signal)).bytes);
}
