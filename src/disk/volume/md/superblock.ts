import type { BlockSource } from '../../source/source.ts';
import { unsupported, view } from '../../trouble.ts';
import { MAGIC, type MdHead, SECTOR } from './head.ts';
import { readVersion090 } from './version-0.90.ts';
import { readVersion1 } from './version-1.ts';

/** The superblock of a device, by any of its versions; undefined where there is none. @throws GvmError `corrupt`, `unsupported` */
export async function readMdHead(source: BlockSource, signal?: AbortSignal): Promise<MdHead | undefined> {
  const sectors = Math.floor(source.size / SECTOR);
  const read = async (sector: number) =>
    sector >= 0 && sector + 8 <= sectors
      ? view(await source.read(sector * SECTOR, 4096, signal), 'MD superblock', sector * SECTOR)
      : undefined;
  const places: [minor: number, sector: number][] = [
    [2, 8],
    [1, 0],
    [0, sectors - 16 - ((sectors - 16) % 8)],
  ];
  for (const [minor, sector] of places) {
    const sb = await read(sector);
    if (sb?.u32le(0) !== MAGIC || sb.u32le(4) !== 1 || sb.u64le(144) !== sector) continue;
    return readVersion1(sb, minor, source);
  }
  const old = await read(sectors - (sectors % 128) - 128);
  if (old?.u32le(0) === MAGIC && old.u32le(4) === 0) return readVersion090(old, source);
  const swapped = old?.u32be(0) === MAGIC && old.u32be(4) === 0;
  if (swapped) throw unsupported('MD array', 'superblocks of version 0.90 in big-endian order');
  return undefined;
}
