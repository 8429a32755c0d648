// Writes cpio archives of the newc form, as the kernel unpacks them for its initramfs.
// Specification: Documentation/driver-api/early-userspace/buffer-format.rst of Linux.
// Not written: the crc form, hard links, files of 4 GiB and more.

export type CpioEntry =
  | { path: string; kind: 'folder'; mode?: number }
  | { path: string; kind: 'file'; mode?: number; bytes: Uint8Array }
  | { path: string; kind: 'link'; target: string }
  | { path: string; kind: 'device'; mode?: number; major: number; minor: number };

export interface CpioOptions {
  /** Seconds since 1970, the time of every entry. */
  mtime: number;
}

const FILE_TYPE = { folder: 0o040000, file: 0o100000, link: 0o120000, device: 0o020000 } as const;
const DEFAULT_MODE = { folder: 0o755, file: 0o644, link: 0o777, device: 0o600 } as const;
const LIMIT = 2 ** 32;

/**
 * The archive of entries, sorted by path, with inode numbers counted from 1, owned by root: equal entries give equal
 * bytes. A parent folder stands before what is in it, because its path sorts first.
 * @throws RangeError for an empty, absolute or repeated path and for numbers that do not fit
 */
export function writeCpio(entries: readonly CpioEntry[], options: CpioOptions): Uint8Array {
  const sorted = [...entries].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  const parts: Uint8Array[] = [];
  let length = 0;
  const push = (bytes: Uint8Array) => {
    parts.push(bytes);
    length += bytes.length;
    const padding = (4 - (length % 4)) % 4;
    if (padding > 0) {
      parts.push(new Uint8Array(padding));
      length += padding;
    }
  };
  let previous: string | undefined;
  for (const [index, entry] of sorted.entries()) {
    if (entry.path === '' || entry.path.startsWith('/') || entry.path.includes('\0')) {
      throw new RangeError(`not a path for a cpio archive: "${entry.path}"`);
    }
    if (entry.path === previous) throw new RangeError(`twice in one cpio archive: "${entry.path}"`);
    previous = entry.path;
    push(header(entry, index + 1, options.mtime));
    if (entry.kind === 'file') push(entry.bytes);
    if (entry.kind === 'link') push(Buffer.from(entry.target));
  }
  push(record({ ino: 0, mode: 0, nlink: 1, mtime: 0, size: 0, major: 0, minor: 0, path: 'TRAILER!!!' }));
  return Buffer.concat(parts, length);
}

function header(entry: CpioEntry, ino: number, mtime: number): Uint8Array {
  const mode = FILE_TYPE[entry.kind] | (('mode' in entry ? entry.mode : undefined) ?? DEFAULT_MODE[entry.kind]);
  const size = entry.kind === 'file' ? entry.bytes.length : entry.kind === 'link' ? Buffer.byteLength(entry.target) : 0;
  const device = entry.kind === 'device' ? entry : { major: 0, minor: 0 };
  const nlink = entry.kind === 'folder' ? 2 : 1;
  return record({ ino, mode, nlink, mtime, size, major: device.major, minor: device.minor, path: entry.path });
}

interface Fields {
  ino: number;
  mode: number;
  nlink: number;
  mtime: number;
  size: number;
  major: number;
  minor: number;
  path: string;
}

function record(f: Fields): Uint8Array {
  const path = Buffer.from(`${f.path}\0`);
  const numbers = [f.ino, f.mode, 0, 0, f.nlink, f.mtime, f.size, 0, 0, f.major, f.minor, path.length, 0];
  const hex = numbers.map((n) => {
    if (!Number.isInteger(n) || n < 0 || n >= LIMIT) throw new RangeError(`does not fit a cpio header: ${n}`);
    return n.toString(16).toUpperCase().padStart(8, '0');
  });
  return Buffer.concat([Buffer.from(`070701${hex.join('')}`), path]);
}
