// Writes the archive of a file or a tree of the host. Specification: POSIX.1-2001 pax, by the package tar-stream.
// Not written: devices, sockets, named pipes, holes (they are sent as zeros), extended attributes.
import { once } from 'node:events';
import { constants, type Stats } from 'node:fs';
import { lstat, open, readdir, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import tar, { type Headers } from 'tar-stream';
import { printable } from '../../core/index.ts';
import { GvmError } from '../../errors/index.ts';
import type { TransferReport } from './report.ts';

/** The largest id that fits into a header's octal field; larger ones stand in a pax record. */
const LARGEST_ID = 0o777777;
const PIECE = 2 ** 18;
const BLOCK = 512;

export interface PackOptions {
  /** The name of a single file in the archive; the members of a tree stand below `.`. */
  name: string;
  /** The mode of a single file; a tree keeps its own. */
  mode?: number | undefined;
  /** Keeps numeric owners; else all belongs to user and group 0. */
  owners: boolean;
}

/**
 * The archive of a file or folder, made as it is read. A link given as the source itself is followed, those in a tree
 * are sent as links.
 * @param report is counted up
 * @throws GvmError `transfer-failed` for a name that is not UTF-8 or a file that changed meanwhile; errors of the file system
 */
export async function* packHost(source: string, options: PackOptions, report: TransferReport): AsyncGenerator<Buffer> {
  const found = await stat(source);
  const packing = new Packing(options, report);
  if (found.isDirectory()) yield* packing.folder(source, '.', found);
  else if (found.isFile()) yield* packing.file(source, options.name, found, options.mode);
  else throw new GvmError({ code: 'usage', message: `${source} is neither a file nor a folder` });
  yield Buffer.alloc(2 * BLOCK);
}

class Packing {
  readonly #options: PackOptions;
  readonly #report: TransferReport;
  /** Files with several names, by device and inode: the first name. */
  readonly #names = new Map<string, string>();

  constructor(options: PackOptions, report: TransferReport) {
    this.#options = options;
    this.#report = report;
  }

  async *folder(path: string, name: string, found: Stats): AsyncGenerator<Buffer> {
    yield await this.#header(found, { name, type: 'directory' });
    const children = await readdir(path, { encoding: 'buffer' });
    for (const bytes of children.sort(Buffer.compare)) {
      const child = bytes.toString('utf8');
      if (!Buffer.from(child).equals(bytes)) {
        const message = `the name ${printable(join(path, child))} is not UTF-8, so it cannot be sent`;
        throw new GvmError({ code: 'transfer-failed', message });
      }
      yield* this.#member(join(path, child), `${name}/${child}`);
    }
  }

  async *#member(path: string, name: string): AsyncGenerator<Buffer> {
    const found = await lstat(path);
    if (found.isDirectory()) yield* this.folder(path, name, found);
    else if (found.isSymbolicLink()) {
      yield await this.#header(found, { name, type: 'symlink', linkname: await readlink(path) });
    } else if (found.isFile()) {
      const inode = `${found.dev}:${found.ino}`;
      const linkname = found.nlink > 1 ? this.#names.get(inode) : undefined;
      if (linkname !== undefined) yield await this.#header(found, { name, type: 'link', linkname });
      else yield* this.file(path, name, found);
      if (found.nlink > 1) this.#names.set(inode, linkname ?? name);
    } else this.#report.leftOut.push({ path, reason: 'a device, socket or named pipe' });
  }

  async *file(path: string, name: string, found: Stats, mode?: number): AsyncGenerator<Buffer> {
    const { size } = found;
    yield await this.#header(found, { name, type: 'file', size }, mode);
    this.#report.files++;
    if (size === 0) return;
    // Not through a named pipe that has taken the file's place, and not without end.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      let sent = 0;
      for await (const piece of file.createReadStream({ end: size - 1, autoClose: false, highWaterMark: PIECE })) {
        sent += piece.length;
        yield piece;
      }
      if (sent < size) throw new GvmError({ code: 'transfer-failed', message: `${path} shrank while it was read` });
    } finally {
      await file.close();
    }
    this.#report.bytes += size;
    yield Buffer.alloc(-size & (BLOCK - 1));
  }

  #header(found: Stats, header: Headers, mode = found.mode): Promise<Buffer> {
    const owner = this.#options.owners ? { uid: found.uid, gid: found.gid } : { uid: 0, gid: 0 };
    const large = Object.entries(owner).filter(([, id]) => id > LARGEST_ID);
    const pax = Object.fromEntries(large.map(([key, id]) => [key, String(id)]));
    // With a type bit a mode of 0 is not taken for one that is missing.
    const bits = (mode & 0o7777) | constants.S_IFREG;
    return encode({ ...header, mode: bits, mtime: found.mtime, ...owner, ...(large.length > 0 ? { pax } : {}) });
  }
}

/** The blocks of one header. The library makes them for a stream, which would take folders and links without end. */
async function encode(header: Headers): Promise<Buffer> {
  const pack = tar.pack();
  pack.entry(header);
  await once(pack, 'readable');
  const blocks: Buffer[] = [];
  for (let block = pack.read(); block !== null; block = pack.read()) blocks.push(block);
  pack.destroy();
  return Buffer.concat(blocks);
}
