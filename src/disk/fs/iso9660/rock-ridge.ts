// Reads: the Rock Ridge extensions: names, modes, links, times, devices, directories that were moved up.
// Specification: IEEE P1282 draft 1.12 and the System Use Sharing Protocol (IEEE P1281).
import type { ByteView } from '../../../core/index.ts';
import type { Timestamp } from '../file-system.ts';
import { shortTime } from './time.ts';

export interface RockRidge {
  name: Buffer | undefined;
  mode: number | undefined;
  nlink: number;
  uid: number;
  gid: number;
  device: { major: number; minor: number } | undefined;
  target: Buffer | undefined;
  mtime: Timestamp | undefined;
  atime: Timestamp | undefined;
  ctime: Timestamp | undefined;
  /** Sector of the directory that stands elsewhere, because it lay too deep. */
  childLink: number | undefined;
  /** It is such a directory in the place that it was moved to. */
  relocated: boolean;
  /** Its content is compressed (zisofs). */
  compressed: boolean;
}

const MOST_AREAS = 64;
const LONGEST = 65536;

/**
 * Collects the entries of a record's system use area and of the areas that continue it.
 * @param readArea reads a continuation: sector, offset and length
 */
export async function readRockRidge(
  first: ByteView,
  readArea: (sector: number, offset: number, length: number) => Promise<ByteView>,
): Promise<RockRidge> {
  const found: RockRidge = {
    ...{ name: undefined, mode: undefined, nlink: 1, uid: 0, gid: 0, device: undefined, target: undefined },
    ...{
      mtime: undefined,
      atime: undefined,
      ctime: undefined,
      childLink: undefined,
      relocated: false,
      compressed: false,
    },
  };
  const link = new LinkTarget();
  let area: ByteView | undefined = first;
  for (let count = 0; area; count++) {
    if (count > MOST_AREAS) throw area.corrupt(0, 'too many continuations of a system use area');
    let next: { sector: number; offset: number; length: number } | undefined;
    for (let at = 0; at + 4 <= area.length; ) {
      const length: number = area.u8(at + 2);
      if (length < 4) break;
      const entry = area.view(at, length, 'Rock Ridge entry');
      const name = entry.latin1(0, 2);
      if (name === 'ST') break;
      if (name === 'CE') next = { sector: entry.u32le(4), offset: entry.u32le(12), length: entry.u32le(20) };
      else take(found, link, name, entry);
      at += length;
    }
    if (next && next.length > LONGEST) throw area.corrupt(0, `a continuation of ${next.length} bytes`);
    area = next && (await readArea(next.sector, next.offset, next.length));
  }
  found.target = link.value();
  return found;
}

function take(found: RockRidge, link: LinkTarget, name: string, entry: ByteView): void {
  if (name === 'PX') {
    found.mode = entry.u32le(4);
    [found.nlink, found.uid, found.gid] = [entry.u32le(12), entry.u32le(20), entry.u32le(28)];
  } else if (name === 'NM') {
    const part = entry.slice(5, entry.length - 5);
    if ((entry.u8(4) & 6) === 0) found.name = found.name ? Buffer.concat([found.name, part]) : Buffer.from(part);
    if ((found.name?.length ?? 0) > 4096) throw entry.corrupt(5, 'a name of more than 4096 bytes');
  } else if (name === 'SL') link.add(entry);
  else if (name === 'PN') found.device = deviceIn(entry.u32le(4), entry.u32le(12));
  else if (name === 'TF') takeTimes(found, entry);
  else if (name === 'CL') found.childLink = entry.u32le(4);
  else if (name === 'RE') found.relocated = true;
  else if (name === 'ZF') found.compressed = true;
}

/** Some write a device as one number in the low word, others in two words. */
function deviceIn(high: number, low: number): { major: number; minor: number } {
  return high === 0 ? { major: low >>> 8, minor: low & 0xff } : { major: high, minor: low };
}

function takeTimes(found: RockRidge, entry: ByteView): void {
  const flags = entry.u8(4);
  if (flags & 0x80) return;
  let at = 5;
  for (const [bit, name] of [
    [1, undefined],
    [2, 'mtime'],
    [4, 'atime'],
    [8, 'ctime'],
  ] as const) {
    if (!(flags & bit)) continue;
    if (name) found[name] = shortTime(entry, at);
    at += 7;
  }
}

/** The target of a symbolic link comes in components, which may be cut over several entries. */
class LinkTarget {
  #parts: Buffer[] | undefined;
  #length = 0;
  #open = false;

  add(entry: ByteView): void {
    this.#parts ??= [];
    for (let at = 5; at + 2 <= entry.length; ) {
      const [flags, length] = [entry.u8(at), entry.u8(at + 1)];
      const text = flags & 2 ? Buffer.from('.') : flags & 4 ? Buffer.from('..') : entry.slice(at + 2, length);
      if (flags & 8) this.#parts.push(Buffer.from('/'));
      else {
        if (!this.#open && this.#length > 0) this.#parts.push(Buffer.from('/'));
        this.#parts.push(Buffer.from(text));
        this.#length += text.length + 1;
      }
      this.#open = (flags & 1) !== 0;
      if (this.#length > 65536) throw entry.corrupt(5, 'a symbolic link of more than 65536 bytes');
      at += 2 + length;
    }
  }

  value(): Buffer | undefined {
    return this.#parts && Buffer.concat(this.#parts);
  }
}
