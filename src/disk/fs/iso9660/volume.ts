import type { ByteView } from '../../../core/index.ts';
import type { BlockSource } from '../../source/source.ts';
import { corrupt, unsupported, view } from '../../trouble.ts';

export const SECTOR = 2048;
const FIRST_DESCRIPTOR = 16;
const MOST_DESCRIPTORS = 64;

export interface IsoVolume {
  source: BlockSource;
  blockSize: number;
  /** Bytes that the volume says it has. */
  size: number;
  label: string | undefined;
  /** How names are written: Rock Ridge, Joliet or neither. */
  names: 'rock ridge' | 'joliet' | 'plain';
  /** Bytes of each system use area that belong to others. */
  skip: number;
  /** The root directory's own record. */
  root: ByteView;
}

/** @throws GvmError `corrupt`, `unsupported` */
export async function readVolume(source: BlockSource, signal?: AbortSignal): Promise<IsoVolume> {
  let primary: ByteView | undefined;
  let joliet: ByteView | undefined;
  for (let n = FIRST_DESCRIPTOR; n < FIRST_DESCRIPTOR + MOST_DESCRIPTORS; n++) {
    const d = view(await source.read(n * SECTOR, SECTOR, signal), 'ISO 9660 volume descriptor', n * SECTOR);
    if (d.latin1(1, 5) !== 'CD001') throw d.corrupt(1, 'the mark CD001 is missing');
    if (d.u8(0) === 255) break;
    if (d.u8(0) === 1) primary ??= d;
    // Escape sequences of UCS-2, levels 1 to 3.
    if (d.u8(0) === 2 && /^%\/[@CE]/.test(d.latin1(88, 3))) joliet ??= d;
  }
  if (!primary) throw corrupt('ISO 9660 volume descriptor', FIRST_DESCRIPTOR * SECTOR, 'there is no primary volume');
  const blockSize = primary.u16le(128);
  if (blockSize !== SECTOR) throw unsupported('ISO 9660 file system', `blocks of ${blockSize} bytes`);
  const label = primary.slice(40, 32).toString('utf8').trimEnd();
  const common = { source, blockSize, size: primary.u32le(80) * blockSize, label: label === '' ? undefined : label };
  const root = primary.view(156, 34, 'ISO 9660 root record');
  const skip = await rockRidgeSkip(source, root, signal);
  if (skip !== undefined) return { ...common, names: 'rock ridge', skip, root };
  if (joliet) return { ...common, names: 'joliet', skip: 0, root: joliet.view(156, 34, 'Joliet root record') };
  return { ...common, names: 'plain', skip: 0, root };
}

/** The first record of the root says by SP that the sharing protocol is used, and how much of each area to pass over. */
async function rockRidgeSkip(source: BlockSource, root: ByteView, signal?: AbortSignal): Promise<number | undefined> {
  const at = root.u32le(2) * SECTOR;
  const sector = view(await source.read(at, SECTOR, signal), 'ISO 9660 root directory', at);
  const area = 33 + sector.u8(32) + (1 - (sector.u8(32) % 2));
  const length = sector.u8(0);
  if (area + 7 > length || sector.latin1(area, 2) !== 'SP' || sector.u16be(area + 4) !== 0xbeef) return undefined;
  return sector.u8(area + 6);
}
