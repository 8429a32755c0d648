// Reads the archive that a guest sends, which may be made to do harm. Specification: POSIX.1-2001 pax and GNU tar, by
// the package tar-stream. Not read: sparse members (a guest's tar makes none unasked), extended attributes.
import { constants } from 'node:fs';
import { type FileHandle, lchown, link, lutimes, mkdir, open, symlink } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import tar, { type Entry } from 'tar-stream';
import { clip, drained, printable } from '../../core/index.ts';
import { GvmError, isGvmError } from '../../errors/index.ts';
import { linkStaysInside, memberParts } from './names.ts';
import type { TransferReport } from './report.ts';

export interface UnpackOptions {
  /** A new, empty folder that nobody else writes to. */
  folder: string;
  /** Most bytes of contents. */
  maxBytes: number;
  /** Gives what is written to the numeric owners of the archive. */
  owners: boolean;
  signal: AbortSignal;
}

const MOST_MEMBERS = 1_000_000;
/** Bytes between two members: long names, extended headers, the padding at the end. */
const MOST_HEADERS = 2 ** 20;
const BLOCK = 512;
const IMPOSSIBLE = new Set<string | undefined>(['ENAMETOOLONG', 'EINVAL']);
const FILE_BLOCK = 4096;
const zeros = Buffer.alloc(FILE_BLOCK);

/**
 * Unpacks an archive into a folder. No member reaches out of it: a name with `..` or an absolute one ends the transfer;
 * symbolic links are made last, so none is ever written through; links that lead out, devices and named pipes are left
 * out and named. Set-user-ID, set-group-ID and sticky bits are dropped.
 * @returns whether the archive held a tree (else one file, whose name in the folder is `name`)
 * @throws GvmError `transfer-refused`, `transfer-failed` (cut off or malformed); the signal's reason
 */
export async function unpackGuest(
  archive: Readable,
  options: UnpackOptions,
  report: TransferReport,
): Promise<{ tree: boolean; name: string | undefined }> {
  const unpacking = new Unpacking(options, report);
  // Names are bytes: read as latin1 each of them is one character.
  const extract = tar.extract({ filenameEncoding: 'latin1' });
  const fed = feed(archive, extract, unpacking);
  fed.catch((error) => extract.destroy(error));
  try {
    for await (const entry of extract) await unpacking.take(entry);
    await fed;
  } catch (error) {
    options.signal.throwIfAborted();
    // The host's own trouble (no space) is not the archive's; a name that no file can have is.
    const ours = error instanceof Error && 'syscall' in error && !IMPOSSIBLE.has((error as NodeJS.ErrnoException).code);
    if (isGvmError(error) || ours) throw error;
    const message = `the guest's archive cannot be read: ${error instanceof Error ? error.message : String(error)}`;
    throw new GvmError({ code: 'transfer-failed', message, cause: error });
  } finally {
    extract.destroy();
    await fed.catch(() => {});
  }
  await unpacking.finish();
  return unpacking.root;
}

/** Hands the bytes on as the reader takes them, and watches that it need not hold more than a header at once. */
async function feed(archive: Readable, extract: tar.Extract, unpacking: Unpacking): Promise<void> {
  let fed = 0;
  for await (const piece of archive as AsyncIterable<Buffer>) {
    if (extract.destroyed) return;
    fed += piece.length;
    if (fed - unpacking.accounted > MOST_HEADERS + piece.length) throw refused('has an endless header');
    if (!extract.write(piece)) await drained(extract);
  }
  extract.end();
}

/** What a member keeps besides its content. */
interface About {
  mode: number;
  mtime: Date;
  owner: [uid: number, gid: number] | undefined;
}

class Unpacking {
  /** Bytes of the archive that belong to members seen so far. */
  accounted = 0;
  root: { tree: boolean; name: string | undefined } = { tree: false, name: undefined };
  readonly #options: UnpackOptions;
  readonly #report: TransferReport;
  readonly #folders = new Map<string, About>();
  readonly #files = new Set<string>();
  readonly #links = new Map<string, About & { target: string }>();
  #members = 0;

  constructor(options: UnpackOptions, report: TransferReport) {
    this.#options = options;
    this.#report = report;
  }

  async take(entry: Entry): Promise<void> {
    this.#options.signal.throwIfAborted();
    const { name, type, size = 0, mode = 0, uid = 0, gid = 0, linkname } = entry.header;
    if (++this.#members > MOST_MEMBERS) throw refused(`has more than ${MOST_MEMBERS} members`);
    if (!Number.isSafeInteger(size) || size < 0) throw refused(`has a member of impossible size: ${shown(name)}`);
    this.accounted += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
    const parts = memberParts(name);
    if (!parts) throw refused(`names a path outside of its folder: ${shown(name)}`);
    const path = parts.join('/');
    const about: About = {
      mode: mode & 0o777,
      mtime: timeOf(entry.header.mtime),
      owner: this.#options.owners ? [idOf(uid), idOf(gid)] : undefined,
    };
    if (type === 'directory') await this.#folder(parts, about);
    else if (path === '') throw refused('has a root that is no folder');
    else {
      this.#place(parts);
      if (type === 'file' || type === 'contiguous-file') {
        await this.#file(path, entry, about, size);
        if ((mode & 0o7000) !== 0) this.#leaveOut(path, 'its set-user-ID, set-group-ID or sticky bit');
      } else if (type === 'symlink') this.#symbolicLink(parts, linkname ?? '', about);
      else if (type === 'link') await this.#hardLink(path, linkname ?? '');
      else this.#leaveOut(path, type ? `a ${type.replace('-', ' ')}` : 'a member of unknown kind');
    }
    entry.resume();
  }

  /** Makes the symbolic links, and gives the folders their modes and times: nothing is written into them any more. */
  async finish(): Promise<void> {
    for (const [path, { target, mtime, owner }] of this.#links) {
      await symlink(Buffer.from(target, 'latin1'), this.#at(path));
      if (owner) await lchown(this.#at(path), ...owner);
      await lutimes(this.#at(path), mtime, mtime);
    }
    for (const [path, { mode, mtime, owner }] of [...this.#folders].reverse()) {
      const folder = await open(this.#at(path), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
      try {
        if (owner) await folder.chown(...owner);
        await folder.chmod(mode);
        await folder.utimes(mtime, mtime);
      } finally {
        await folder.close();
      }
    }
  }

  async #folder(parts: readonly string[], about: About): Promise<void> {
    const path = parts.join('/');
    if (path === '') this.root = { tree: true, name: undefined };
    else this.#place(parts);
    if (path !== '' && !this.#folders.has(path)) {
      this.#mustBeNew(path);
      await mkdir(this.#at(path), { mode: 0o700 });
    }
    this.#folders.set(path, about);
  }

  /** A member's folder must have come before it: a guest's tar sends it so, and no link can stand in for it. */
  #place(parts: readonly string[]): void {
    const single = parts.length === 1 && !this.root.tree && this.root.name === undefined;
    if (single) this.root.name = Buffer.from(parts[0] ?? '', 'latin1').toString();
    else if (!this.#folders.has(parts.slice(0, -1).join('/'))) {
      throw refused(`has a member before its folder: ${shown(parts.join('/'))}`);
    }
  }

  async #file(path: string, entry: Entry, about: About, size: number): Promise<void> {
    this.#mustBeNew(path);
    this.#report.bytes += size;
    if (this.#report.bytes > this.#options.maxBytes) throw refused(`holds more than ${this.#options.maxBytes} bytes`);
    const file = await open(this.#at(path), 'wx', 0o600);
    try {
      await writeSparse(file, entry);
      await file.truncate(size);
      if (about.owner) await file.chown(...about.owner);
      await file.chmod(about.mode);
      await file.utimes(about.mtime, about.mtime);
    } finally {
      await file.close();
    }
    this.#files.add(path);
    this.#report.files++;
  }

  #symbolicLink(parts: readonly string[], target: string, about: About): void {
    const path = parts.join('/');
    this.#mustBeNew(path);
    if (linkStaysInside(target, parts.length - 1)) this.#links.set(path, { ...about, target });
    else this.#leaveOut(path, `a link that leads out of the folder, to ${shown(target)}`);
  }

  async #hardLink(path: string, linkname: string): Promise<void> {
    const first = memberParts(linkname)?.join('/');
    this.#mustBeNew(path);
    if (first === undefined || !this.#files.has(first)) {
      this.#leaveOut(path, `a hard link to what is no file of the archive: ${shown(linkname)}`);
      return;
    }
    await link(this.#at(first), this.#at(path));
    this.#files.add(path);
  }

  #mustBeNew(path: string): void {
    if (this.#files.has(path) || this.#folders.has(path) || this.#links.has(path)) {
      throw refused(`has ${shown(path)} twice`);
    }
  }

  #leaveOut(path: string, reason: string): void {
    this.#report.leftOut.push({ path: printable(Buffer.from(path, 'latin1').toString()), reason });
  }

  #at(path: string): Buffer {
    return Buffer.concat([Buffer.from(`${this.#options.folder}/`), Buffer.from(path, 'latin1')]);
  }
}

/** Writes a member's content; blocks of zeros become holes, so that they take no space of the host. */
async function writeSparse(file: FileHandle, content: AsyncIterable<Buffer>): Promise<void> {
  let position = 0;
  for await (const piece of content) {
    // Where the file's own block ends that a byte of the piece falls into.
    const blockEnd = (at: number) => Math.min(piece.length, at + FILE_BLOCK - ((position + at) % FILE_BLOCK));
    const isHole = (at: number) => piece.compare(zeros, 0, blockEnd(at) - at, at, blockEnd(at)) === 0;
    for (let from = 0; from < piece.length; ) {
      let to = from;
      while (to < piece.length && !isHole(to)) to = blockEnd(to);
      while (from < to) from += (await file.write(piece, from, to - from, position + from)).bytesWritten;
      while (from < piece.length && isHole(from)) from = blockEnd(from);
    }
    position += piece.length;
  }
}

/** Any number is a time to a hostile archive, but not to a file system. */
function timeOf(date: Date | undefined): Date {
  const ms = date?.getTime() ?? Number.NaN;
  return new Date(Number.isFinite(ms) ? Math.min(Math.max(ms, 0), 2 ** 32 * 1000) : 0);
}

function idOf(id: number): number {
  if (Number.isInteger(id) && id >= 0 && id < 2 ** 32 - 1) return id;
  throw refused(`has an impossible owner: ${id}`);
}

function shown(name: string): string {
  return clip(printable(Buffer.from(name, 'latin1').toString()), 200);
}

function refused(what: string): GvmError {
  return new GvmError({
    code: 'transfer-refused',
    message: `the archive that the guest sent ${what}`,
    hint: 'an honest tar does not do that; nothing of it was kept',
  });
}
