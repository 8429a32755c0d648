// Reads: cpio archives of the newc and crc forms, several behind one another, each plain or compressed: an initramfs.
// Specification: Documentation/driver-api/early-userspace/buffer-format.rst of Linux.
// Does not read: the odc and binary forms, bzip2 and lzop compression (refused by name).
import { corrupt, unsupported, view } from '../trouble.ts';
import { decompressors } from './decompress.ts';

export interface CpioMember {
  /** Bytes, as they stand there. */
  path: Buffer;
  ino: number;
  mode: number;
  uid: number;
  gid: number;
  nlink: number;
  /** Seconds since 1970. */
  mtime: number;
  device: { major: number; minor: number };
  /** Content of a file, target of a symbolic link. It shares its memory with the archive. */
  data: Buffer;
}

const HEADER = 110;
const LONGEST_PATH = 4096;
const TRAILER = 'TRAILER!!!';
const LARGEST = 2 ** 29;

const compressed: readonly {
  magic: Buffer;
  decode: keyof typeof decompressors | 'lz4 legacy' | undefined;
  name: string;
}[] = [
  { magic: Buffer.from('1f8b', 'hex'), decode: 'gzip', name: 'gzip' },
  { magic: Buffer.from('fd377a585a00', 'hex'), decode: 'xz', name: 'xz' },
  { magic: Buffer.from('28b52ffd', 'hex'), decode: 'zstd', name: 'zstd' },
  { magic: Buffer.from('5d0000', 'hex'), decode: 'lzma', name: 'lzma' },
  { magic: Buffer.from('02214c18', 'hex'), decode: 'lz4 legacy', name: 'lz4' },
  { magic: Buffer.from('425a68', 'hex'), decode: undefined, name: 'bzip2' },
  { magic: Buffer.from('894c5a4f', 'hex'), decode: undefined, name: 'lzop' },
];

/**
 * The members of an archive, in order. Hard links are members of their own; in newc the last of them has the content.
 * @param limit most bytes that a compressed part may become. Default 512 MiB
 * @throws GvmError `corrupt`, `unsupported`
 */
export function* readCpio(archive: Uint8Array, limit = LARGEST): Generator<CpioMember> {
  const bytes = Buffer.from(archive.buffer, archive.byteOffset, archive.byteLength);
  for (let at = 0; at < bytes.length; ) {
    if (bytes[at] === 0) {
      at++;
    } else if (/^07070[12]/.test(bytes.toString('latin1', at, at + 6))) {
      at = yield* members(bytes, at);
    } else {
      const rest = bytes.subarray(at);
      const kind = compressed.find(({ magic }) => rest.subarray(0, magic.length).equals(magic));
      if (!kind) throw corrupt('cpio archive', at, 'neither an archive nor a compressed one begins here');
      if (!kind.decode) throw unsupported('cpio archive', `${kind.name} compression`);
      const inner = kind.decode === 'lz4 legacy' ? lz4Legacy(rest, limit) : decompressors[kind.decode](rest, limit);
      if (!inner) throw corrupt('cpio archive', at, `what is compressed by ${kind.name} is damaged or too large`);
      // What is compressed reaches to the end; it is not compressed twice.
      for (let inside = 0; inside < inner.length; ) {
        if (inner[inside] === 0) inside++;
        else inside = yield* members(inner, inside);
      }
      return;
    }
  }
}

/** The members of one archive. @returns the offset behind its trailer */
function* members(bytes: Buffer, start: number): Generator<CpioMember, number> {
  for (let at = start; ; ) {
    const header = view(bytes.subarray(at, at + HEADER), 'cpio header', at);
    if (!/^07070[12]$/.test(header.latin1(0, 6))) throw header.corrupt(0, 'the mark 070701 is missing');
    const number = (index: number) => {
      const digits = header.latin1(6 + index * 8, 8);
      if (!/^[0-9a-fA-F]{8}$/.test(digits)) throw header.corrupt(6 + index * 8, `"${digits}" is no number`);
      return Number.parseInt(digits, 16);
    };
    const [size, nameSize] = [number(6), number(11)];
    if (nameSize === 0 || nameSize > LONGEST_PATH) throw header.corrupt(94, `a name of ${nameSize} bytes`);
    const name = view(bytes, 'cpio archive', 0).slice(at + HEADER, nameSize - 1);
    const dataAt = at + align(HEADER + nameSize);
    if (name.toString('latin1') === TRAILER) return Math.min(bytes.length, dataAt);
    const data = view(bytes, 'cpio archive', 0).slice(dataAt, size);
    const mode = number(1);
    // Only the content of files is summed, and only in the crc form.
    const summed = header.latin1(0, 6) === '070702' && (mode & 0o170000) === 0o100000 && size > 0;
    if (summed && data.reduce((sum, byte) => (sum + byte) >>> 0, 0) !== number(12))
      throw header.corrupt(102, 'the checksum of the content is wrong');
    yield {
      path: name,
      ino: number(0),
      mode,
      uid: number(2),
      gid: number(3),
      nlink: number(4),
      mtime: number(5),
      device: { major: number(9), minor: number(10) },
      data,
    };
    at = dataAt + align(size);
    if (at >= bytes.length) return bytes.length;
  }
}

function align(length: number): number {
  return Math.ceil(length / 4) * 4;
}

/** The frames that the kernel's `lz4c -l` writes: blocks of at most 8 MiB, each with its length before it. */
function lz4Legacy(bytes: Buffer, limit: number): Buffer | undefined {
  const parts: Buffer[] = [];
  let total = 0;
  for (let at = 4; at + 4 <= bytes.length; ) {
    const size = bytes.readUInt32LE(at);
    if (size === 0x184c2102 || size === 0) {
      at += 4;
      continue;
    }
    if (at + 4 + size > bytes.length) return undefined;
    const part = decompressors.lz4(bytes.subarray(at + 4, at + 4 + size), Math.min(2 ** 23, limit - total));
    if (!part) return undefined;
    parts.push(part);
    total += part.length;
    at += 4 + size;
  }
  return Buffer.concat(parts);
}
