import type { ByteView } from '../../../core/index.ts';
import { unsupported, view } from '../../trouble.ts';
import {
  type FileExtent,
  type FsEntry,
  type FsNode,
  type NodeStat,
  type NodeType,
  typeOfMode,
  type Xattr,
} from '../file-system.ts';
import { isDots, isName, needType } from '../node.ts';
import { type RockRidge, readRockRidge } from './rock-ridge.ts';
import { shortTime } from './time.ts';
import { type IsoVolume, SECTOR } from './volume.ts';

const FLAG = { directory: 2, associated: 4, more: 0x80 } as const;
const LARGEST_DIRECTORY = 2 ** 28;
/** Inode numbers of files: beyond the sectors, which number the directories. */
const FILES = 2 ** 33;

/** Parts of a file, in order; a file of 4 GiB and more has several. */
interface Part {
  start: number;
  length: number;
}

interface Found {
  record: ByteView;
  parts: Part[];
  extra: RockRidge | undefined;
}

/** A file of an ISO 9660 file system. */
export class IsoNode implements FsNode {
  readonly stat: NodeStat;
  readonly #volume: IsoVolume;
  readonly #parts: readonly Part[];
  readonly #extra: RockRidge | undefined;

  constructor(volume: IsoVolume, { record, parts, extra }: Found) {
    this.#volume = volume;
    this.#parts = parts;
    this.#extra = extra;
    const isDirectory = (record.u8(25) & FLAG.directory) !== 0 || extra?.childLink !== undefined;
    const mode = extra?.mode ?? (isDirectory ? 0o040555 : 0o100555);
    const type = isDirectory ? 'directory' : typeOfMode(mode);
    const size = type === 'symlink' ? (extra?.target?.length ?? 0) : parts.reduce((sum, part) => sum + part.length, 0);
    this.stat = {
      ino: isDirectory ? (parts[0]?.start ?? 0) / SECTOR : FILES + record.place.offset,
      type: type === 'directory' && !isDirectory ? 'unknown' : type,
      mode: mode & 0o7777,
      uid: extra?.uid ?? 0,
      gid: extra?.gid ?? 0,
      nlink: extra?.nlink ?? 1,
      size,
      allocated: type === 'file' ? Math.ceil(size / SECTOR) * SECTOR : 0,
      mtime: extra?.mtime ?? shortTime(record, 18),
      atime: extra?.atime,
      ctime: extra?.ctime,
      btime: undefined,
      device: type === 'block' || type === 'character' ? extra?.device : undefined,
    };
  }

  static async root(volume: IsoVolume, signal?: AbortSignal): Promise<IsoNode> {
    const parts = [partOf(volume.root)];
    // The root's attributes stand in its own first record.
    const at = (parts[0] as Part).start;
    const sector = view(await volume.source.read(at, SECTOR, signal), 'ISO 9660 root directory', at);
    const self = sector.view(0, Math.max(34, sector.u8(0)));
    return new IsoNode(volume, { record: volume.root, parts, extra: await extraOf(volume, self, signal) });
  }

  async *entries(signal?: AbortSignal): AsyncGenerator<FsEntry> {
    needType(this, 'directory');
    let parts: Part[] = [];
    for await (const record of this.#records(signal)) {
      if (record.u8(25) & FLAG.associated) continue;
      parts.push(partOf(record));
      if (record.u8(25) & FLAG.more) continue;
      const whole = parts;
      parts = [];
      const raw = record.slice(33, record.u8(32));
      if (raw.length === 1 && (raw[0] as number) <= 1) continue;
      const extra = await extraOf(this.#volume, record, signal);
      if (extra?.relocated) continue;
      const name = extra?.name ?? plainName(this.#volume, raw);
      if (!isName(name) || isDots(name)) throw record.corrupt(33, 'a name that no file can have');
      if (extra?.childLink !== undefined) whole.splice(0, whole.length, await this.#moved(extra.childLink, signal));
      yield new IsoEntry(this.#volume, name, { record, parts: whole, extra });
    }
  }

  /** Where a directory lies that was moved: its first record says how long it is. */
  async #moved(sector: number, signal?: AbortSignal): Promise<Part> {
    const at = sector * SECTOR;
    const self = view(await this.#volume.source.read(at, SECTOR, signal), 'ISO 9660 moved directory', at);
    return { start: at, length: self.u32le(10) };
  }

  async *#records(signal?: AbortSignal): AsyncGenerator<ByteView> {
    for (const { start, length } of this.#parts) {
      for (let at = 0; at < Math.min(length, LARGEST_DIRECTORY); at += SECTOR) {
        const bytes = await this.#volume.source.read(start + at, SECTOR, signal);
        const sector = view(bytes, 'ISO 9660 directory', start + at);
        for (let from = 0; from < SECTOR; ) {
          const size = sector.u8(from);
          // Records do not cross sectors: zeros fill the rest.
          if (size === 0) break;
          if (size < 34 || 33 + sector.u8(from + 32) > size) throw sector.corrupt(from, `a record of ${size} bytes`);
          yield sector.view(from, size, 'ISO 9660 directory record');
          from += size;
        }
      }
    }
  }

  async lookup(name: Buffer, signal?: AbortSignal): Promise<FsNode | undefined> {
    for await (const entry of this.entries(signal)) if (entry.name.equals(name)) return entry.node(signal);
    return undefined;
  }

  async readlink(): Promise<Buffer> {
    needType(this, 'symlink');
    return this.#extra?.target ?? Buffer.alloc(0);
  }

  async xattrs(): Promise<Xattr[]> {
    return [];
  }

  async read(offset: number, length: number, signal?: AbortSignal): Promise<Buffer> {
    needType(this, 'file');
    if (this.#extra?.compressed) throw unsupported('ISO 9660 file', 'zisofs compression');
    const end = Math.min(offset + length, this.stat.size);
    const pieces: Buffer[] = [];
    let base = 0;
    for (const part of this.#parts) {
      const [from, to] = [Math.max(offset, base), Math.min(end, base + part.length)];
      if (from < to) pieces.push(await this.#volume.source.read(part.start + from - base, to - from, signal));
      base += part.length;
    }
    return pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
  }

  async *extents(): AsyncGenerator<FileExtent> {
    needType(this, 'file');
    let offset = 0;
    for (const { start, length } of this.#parts) {
      if (length > 0) yield { offset, length, kind: 'data', disk: start };
      offset += length;
    }
  }
}

function partOf(record: ByteView): Part {
  return { start: (record.u32le(2) + record.u8(1)) * SECTOR, length: record.u32le(10) };
}

async function extraOf(volume: IsoVolume, record: ByteView, signal?: AbortSignal): Promise<RockRidge | undefined> {
  if (volume.names !== 'rock ridge') return undefined;
  const named = record.u8(32);
  const from = 33 + named + (1 - (named % 2)) + volume.skip;
  if (from >= record.length) return undefined;
  return readRockRidge(record.view(from, record.length - from, 'system use area'), async (sector, offset, length) => {
    const at = sector * SECTOR + offset;
    return view(await volume.source.read(at, length, signal), 'system use area', at);
  });
}

/** Joliet has UCS-2; plain names are shown as Linux shows them: small letters, no version, no bare dot at the end. */
function plainName(volume: IsoVolume, raw: Buffer): Buffer {
  if (volume.names === 'joliet') {
    const swapped = Buffer.from(raw.subarray(0, raw.length - (raw.length % 2))).swap16();
    return Buffer.from(swapped.toString('utf16le').replace(/;1$/, ''));
  }
  return Buffer.from(raw.toString('latin1').toLowerCase().replace(/;1$/, '').replace(/\.$/, ''), 'latin1');
}

class IsoEntry implements FsEntry {
  readonly name: Buffer;
  readonly ino: number;
  readonly type: NodeType;
  readonly #node: IsoNode;

  constructor(volume: IsoVolume, name: Buffer, found: Found) {
    this.#node = new IsoNode(volume, found);
    this.name = name;
    this.ino = this.#node.stat.ino;
    this.type = this.#node.stat.type;
  }

  async node(): Promise<FsNode> {
    return this.#node;
  }
}
