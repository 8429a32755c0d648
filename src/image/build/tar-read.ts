// Reads tar archives. Specification: POSIX.1-2001 pax and ustar, GNU tar's long names.
// Not read: sparse files, base-256 numbers, extended attributes.
import { type FileHandle, open } from 'node:fs/promises';
import { GvmError } from '../../errors/index.ts';

export interface TarEntry {
  /** Without a leading `./` or `/` and without a trailing slash; empty for the root. */
  path: string;
  kind: 'file' | 'folder' | 'link' | 'hardlink' | 'char' | 'block' | 'fifo';
  mode: number;
  uid: number;
  gid: number;
  mtime: number;
  /** Of a symbolic link its text, of a hard link the path of the other name. */
  target: string;
  size: number;
  /** Where the content stands in the archive. */
  offset: number;
}

const KINDS: Record<string, TarEntry['kind']> = {
  '0': 'file',
  '\0': 'file',
  '1': 'hardlink',
  '2': 'link',
  '3': 'char',
  '4': 'block',
  '5': 'folder',
  '6': 'fifo',
};
const MAX_HEADER = 2 ** 20;

/** The entries of an archive in its own order. @throws GvmError `image-corrupt` with the offset */
export async function* readTar(file: FileHandle): AsyncGenerator<TarEntry> {
  const block = Buffer.alloc(512);
  let position = 0;
  let long: { path?: string; target?: string; mtime?: number; size?: number } = {};
  for (;;) {
    const { bytesRead } = await file.read(block, 0, 512, position);
    if (bytesRead < 512 || block.every((byte) => byte === 0)) return;
    verify(block, position);
    const size = long.size ?? number(block, 124, 12, position);
    const flag = String.fromCharCode(block[156] ?? 0);
    const offset = position + 512;
    position = offset + Math.ceil(size / 512) * 512;
    if (flag === 'x' || flag === 'g' || flag === 'L' || flag === 'K') {
      if (size > MAX_HEADER) throw corrupt(offset, `a header of ${size} bytes`);
      const content = Buffer.alloc(size);
      await file.read(content, 0, size, offset);
      if (flag === 'x') long = { ...long, ...pax(content.toString('utf8')) };
      else if (flag === 'L') long.path = text(content, 0, size);
      else if (flag === 'K') long.target = text(content, 0, size);
      continue;
    }
    const kind = KINDS[flag];
    if (!kind) throw corrupt(offset - 512, `an entry of unknown type "${flag}"`);
    const prefix = text(block, 345, 155);
    const name = text(block, 0, 100);
    yield {
      path: clean(long.path ?? (prefix ? `${prefix}/${name}` : name)),
      kind,
      mode: number(block, 100, 8, offset) & 0o7777,
      uid: number(block, 108, 8, offset),
      gid: number(block, 116, 8, offset),
      mtime: Math.floor(long.mtime ?? number(block, 136, 12, offset)),
      target:
        kind === 'hardlink' ? clean(long.target ?? text(block, 157, 100)) : (long.target ?? text(block, 157, 100)),
      size: kind === 'file' ? size : 0,
      offset,
    };
    long = {};
  }
}

/** The content of one file of an archive. @throws GvmError `image-corrupt` where the archive has no such file */
export async function readMember(archive: string, path: string): Promise<Buffer> {
  const file = await open(archive);
  try {
    for await (const entry of readTar(file)) {
      if (entry.path !== path || entry.kind !== 'file') continue;
      const content = Buffer.alloc(entry.size);
      const { bytesRead } = await file.read(content, 0, entry.size, entry.offset);
      if (bytesRead === entry.size) return content;
    }
  } finally {
    await file.close();
  }
  throw new GvmError({ code: 'image-corrupt', message: `the tar archive does not have the whole of ${path}` });
}

function clean(path: string): string {
  return path
    .replace(/^(\.?\/)+/, '')
    .replace(/\/+$/, '')
    .replace(/^\.$/, '');
}

function text(bytes: Buffer, start: number, length: number): string {
  const end = bytes.indexOf(0, start);
  return bytes.toString('utf8', start, end === -1 || end > start + length ? start + length : end);
}

function number(block: Buffer, start: number, length: number, offset: number): number {
  const digits = text(block, start, length).trim();
  if (!/^[0-7]*$/.test(digits)) throw corrupt(offset, 'a number that is not octal');
  return Number.parseInt(digits || '0', 8);
}

function pax(content: string): { path?: string; target?: string; mtime?: number; size?: number } {
  const result: { path?: string; target?: string; mtime?: number; size?: number } = {};
  for (const line of content.split('\n')) {
    const match = /^\d+ ([^=]+)=(.*)$/.exec(line);
    if (match?.[1] === 'path') result.path = match[2] ?? '';
    if (match?.[1] === 'linkpath') result.target = match[2] ?? '';
    if (match?.[1] === 'mtime') result.mtime = Number(match[2]);
    if (match?.[1] === 'size') result.size = Number(match[2]);
  }
  return result;
}

function verify(block: Buffer, position: number): void {
  const stated = number(block, 148, 8, position);
  let sum = 0;
  for (const [index, byte] of block.entries()) sum += index >= 148 && index < 156 ? 32 : byte;
  if (sum !== stated) throw corrupt(position, 'a header whose checksum is wrong');
}

function corrupt(offset: number, what: string): GvmError {
  return new GvmError({ code: 'image-corrupt', message: `the tar archive has ${what} at byte ${offset}` });
}
