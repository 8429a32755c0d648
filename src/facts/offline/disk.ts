import { posix } from 'node:path';
import { type FsPath, type ImageTree, type Layout, type Located, parseFstab, type Vfs } from '../../disk/index.ts';
import { isGvmError } from '../../errors/index.ts';

const IDENTITY = Symbol.for('gvm.unanswerable');

/** What only a running guest can tell: the reason becomes that of a skipped check. */
export class Unanswerable extends Error {
  constructor(reason: string) {
    super(reason);
    Object.defineProperty(this, IDENTITY, { value: true });
  }
}

/** Whether a value is that error, from whichever copy of the package: a plugin may have its own. */
export function isUnanswerable(value: unknown): value is Unanswerable {
  return typeof value === 'object' && value !== null && IDENTITY in value;
}

/** Where a running system mounts what is on no disk. */
const LIVE = ['/proc', '/sys', '/dev', '/run'];
const TMP_MOUNT = ['/etc/systemd/system', '/usr/lib/systemd/system', '/lib/systemd/system'].map(
  (folder) => `${folder}/local-fs.target.wants/tmp.mount`,
);
const MOST_LINKS = 40;
/** Bytes of one text file that a fact reads whole. */
const LARGEST_TEXT = 16 * 2 ** 20;
const MOST_ENTRIES = 100_000;

export interface PoweredOffOptions {
  signal?: AbortSignal | undefined;
  /** The kernel that guests of the disk are booted with, where it is not the disk's own. */
  kernel?: string | undefined;
}

/** A powered-off disk as facts see it: the files of its system, and what of them a running system would hide. */
export class PoweredOff {
  readonly layout: Layout;
  readonly tree: ImageTree;
  readonly kernel: string | undefined;
  readonly signal: AbortSignal | undefined;
  #live: Promise<readonly string[]> | undefined;

  constructor(layout: Layout, tree: ImageTree, { signal, kernel }: PoweredOffOptions = {}) {
    this.layout = layout;
    this.tree = tree;
    this.signal = signal;
    this.kernel = kernel;
  }

  get vfs(): Vfs {
    return this.tree.vfs;
  }

  /** What stands at a path; a symbolic link at its end is followed unless said otherwise. */
  find(path: FsPath, follow = true): Promise<Located | undefined> {
    return this.vfs.find(path, { follow, signal: this.signal });
  }

  async isDirectory(path: FsPath): Promise<boolean> {
    return (await this.find(path))?.node.stat.type === 'directory';
  }

  /**
   * A regular file; undefined where there is none.
   * @param limit bytes; a larger file is `unsupported`
   * @throws GvmError `corrupt`, `unsupported`
   */
  async read(path: FsPath, limit = LARGEST_TEXT): Promise<Buffer | undefined> {
    const found = await this.find(path);
    if (found?.node.stat.type !== 'file') return undefined;
    return this.vfs.readFile(path, { limit, signal: this.signal });
  }

  /** The same as text; undefined also where there is no such file. */
  async text(path: FsPath, limit = LARGEST_TEXT): Promise<string | undefined> {
    return (await this.read(path, limit))?.toString('utf8');
  }

  /** The names in a directory that are text, sorted; none where there is no directory. At most 100,000. */
  async names(path: FsPath): Promise<string[]> {
    const found = await this.find(path);
    if (found?.node.stat.type !== 'directory') return [];
    const names: string[] = [];
    for await (const { name } of found.node.entries(this.signal)) {
      names.push(name.toString('utf8'));
      if (names.length >= MOST_ENTRIES) break;
    }
    return names.sort();
  }

  /** Where a symbolic link points, as it is written; undefined where there is no link. */
  async target(path: FsPath): Promise<string | undefined> {
    const found = await this.find(path, false);
    if (found?.node.stat.type !== 'symlink') return undefined;
    return (await found.node.readlink(this.signal)).toString('utf8');
  }

  /** The place of a running system that a path leads into, links followed: what stands there is on no disk. */
  async livePlace(path: string, follow: boolean): Promise<string | undefined> {
    this.#live ??= this.#livePlaces();
    const live = await this.#live;
    let todo = path.split('/').filter((part) => part !== '' && part !== '.');
    let at = '/';
    for (let links = 0; ; ) {
      const place = live.find((prefix) => at === prefix || at.startsWith(`${prefix}/`));
      if (place !== undefined) return place;
      const name = todo.shift();
      if (name === undefined) return undefined;
      const next = name === '..' ? posix.dirname(at) : posix.join(at, name);
      const target = todo.length > 0 || follow ? await this.target(next) : undefined;
      if (target === undefined) {
        at = next;
        continue;
      }
      if (++links > MOST_LINKS) return undefined;
      todo = [...target.split('/').filter((part) => part !== '' && part !== '.'), ...todo];
      if (target.startsWith('/')) at = '/';
    }
  }

  /** The fixed places, what fstab mounts that is on no disk, and file systems that could not be joined. */
  async #livePlaces(): Promise<readonly string[]> {
    const fstab = parseFstab((await this.text('/etc/fstab')) ?? '');
    const joined = new Set(this.tree.mounts.map((mount) => mount.path));
    const places = fstab
      .filter(({ type, options }) => type !== 'swap' && !options.includes('noauto'))
      .map(({ path }) => path)
      .filter((path) => path.startsWith('/') && path !== '/' && !joined.has(path));
    for (const unit of TMP_MOUNT) if (await this.find(unit, false)) places.push('/tmp');
    return [...LIVE, ...places.map((path) => path.replace(/(.)\/+$/, '$1'))];
  }
}

/** What went wrong with the disk while a fact was read, as the fact's diagnostic; anything else is thrown on. */
export function diskTrouble(error: unknown): string {
  if (isGvmError(error) && ['corrupt', 'unsupported', 'file-missing', 'usage'].includes(error.code))
    return error.message;
  throw error;
}
