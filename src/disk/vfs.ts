import { showBytes } from '../core/index.ts';
import { GvmError } from '../errors/index.ts';
import type { FileSystem, FsNode, NodeStat } from './fs/file-system.ts';
import { isDots } from './fs/node.ts';
import { type FsPath, isAbsolute, joinPath, pathBytes, splitPath } from './path.ts';
import { corrupt } from './trouble.ts';

/** A file where it was found: its path has no symbolic links and no `..`. */
export interface Located {
  path: Buffer;
  fs: FileSystem;
  node: FsNode;
}

export interface Mount {
  /** Absolute, without symbolic links. */
  path: FsPath;
  fs: FileSystem;
}

export interface ResolveOptions {
  /** Whether a symbolic link at the end is followed. Default true. */
  follow?: boolean;
  signal?: AbortSignal | undefined;
}

const MOST_LINKS = 40;
const LONGEST_PATH = 4096;
const CHUNK = 2 ** 20;
const LARGEST_FILE = 64 * 2 ** 20;

/**
 * One tree of files over one or several file systems. Paths are bytes. Symbolic links are followed within the tree only:
 * an absolute one begins at its root, and `..` never leaves it.
 */
export class Vfs {
  readonly root: FileSystem;
  readonly mounts: readonly Mount[];
  /** File systems by the directory that they cover. */
  readonly #covered = new Map<FileSystem, Map<number, FileSystem>>();
  #attached: Promise<void> | undefined;

  constructor(root: FileSystem, mounts: readonly Mount[] = []) {
    this.root = root;
    this.mounts = mounts;
  }

  /** Finds each mount point, shorter paths first. One that is not there is passed over. */
  async #attach(signal: AbortSignal | undefined): Promise<void> {
    const depth = (mount: Mount) => splitPath(pathBytes(mount.path)).length;
    for (const mount of [...this.mounts].sort((a, b) => depth(a) - depth(b))) {
      const point = await this.#walk(pathBytes(mount.path), true, signal);
      if (point?.node.stat.type !== 'directory') continue;
      const covered = this.#covered.get(point.fs) ?? new Map<number, FileSystem>();
      this.#covered.set(point.fs, covered.set(point.node.stat.ino, mount.fs));
    }
  }

  /** The file at a path; undefined when a part of the path does not exist or is no directory. */
  async find(path: FsPath, options: ResolveOptions = {}): Promise<Located | undefined> {
    const { follow = true, signal } = options;
    if (this.mounts.length > 0) {
      this.#attached ??= this.#attach(signal);
      await this.#attached;
    }
    return this.#walk(pathBytes(path), follow, signal);
  }

  /** @throws GvmError `file-missing` */
  async resolve(path: FsPath, options: ResolveOptions = {}): Promise<Located> {
    const found = await this.find(path, options);
    if (found) return found;
    const shown = showBytes(pathBytes(path));
    throw new GvmError({ code: 'file-missing', message: `the image has no ${shown}`, details: { path: shown } });
  }

  async #walk(path: Buffer, follow: boolean, signal: AbortSignal | undefined): Promise<Located | undefined> {
    const stack = [await this.#top(this.root, Buffer.from('/'), signal)];
    const todo = splitPath(path).reverse();
    const endsAsDirectory = path.length > 1 && path[path.length - 1] === 0x2f;
    let links = 0;
    for (let name = todo.pop(); name; name = todo.pop()) {
      signal?.throwIfAborted();
      const here = stack[stack.length - 1] as Located;
      if (here.node.stat.type !== 'directory') return undefined;
      if (isDots(name)) {
        if (stack.length > 1) stack.pop();
        continue;
      }
      const node = await here.node.lookup(name, signal);
      if (!node) return undefined;
      if (node.stat.type !== 'symlink' || (todo.length === 0 && !follow && !endsAsDirectory)) {
        stack.push(await this.#enter({ path: joinPath(here.path, name), fs: here.fs, node }, signal));
        continue;
      }
      const target = await node.readlink(signal);
      if (++links > MOST_LINKS || target.length + todo.length > LONGEST_PATH) {
        throw corrupt('symbolic link', 0, `${showBytes(path)} leads through more than ${MOST_LINKS} symbolic links`);
      }
      if (isAbsolute(target)) stack.length = 1;
      todo.push(...splitPath(target).reverse());
    }
    const found = stack[stack.length - 1];
    return endsAsDirectory && found?.node.stat.type !== 'directory' ? undefined : found;
  }

  /** What stands in the place of a directory: the root of a file system that covers it, or itself. */
  #enter(at: Located, signal: AbortSignal | undefined): Located | Promise<Located> {
    const over = at.node.stat.type === 'directory' && this.#covered.get(at.fs)?.get(at.node.stat.ino);
    return over ? this.#top(over, at.path, signal) : at;
  }

  async #top(fs: FileSystem, path: Buffer, signal: AbortSignal | undefined): Promise<Located> {
    const node = await fs.root(signal);
    if (node.stat.type !== 'directory') throw corrupt('root directory', 0, `the root is a ${node.stat.type}`);
    return { path, fs, node };
  }

  /** A file in a directory that was found, by an entry's node: at once, but for a directory that is covered. */
  enter(directory: Located, name: Buffer, node: FsNode, signal?: AbortSignal): Located | Promise<Located> {
    return this.#enter({ path: joinPath(directory.path, name), fs: directory.fs, node }, signal);
  }

  /** As stat(2), or lstat(2) without `follow`. */
  async stat(path: FsPath, options: ResolveOptions = {}): Promise<NodeStat> {
    return (await this.resolve(path, options)).node.stat;
  }

  /**
   * A whole file.
   * @param limit bytes above which the file is refused with `unsupported`. Default 64 MiB.
   */
  async readFile(path: FsPath, options: ResolveOptions & { limit?: number } = {}): Promise<Buffer> {
    const { node } = await this.resolve(path, options);
    const limit = options.limit ?? LARGEST_FILE;
    if (node.stat.size > limit) {
      throw new GvmError({
        code: 'unsupported',
        message: `${showBytes(pathBytes(path))} has ${node.stat.size} bytes, more than the ${limit} that are read at once`,
        details: { size: node.stat.size, limit },
      });
    }
    return node.read(0, node.stat.size, options.signal);
  }

  /** Content in pieces of at most 1 MiB. */
  async *content(path: FsPath, options: ResolveOptions = {}): AsyncGenerator<Buffer> {
    yield* contentOf((await this.resolve(path, options)).node, options.signal);
  }
}

/** Content of a regular file in pieces of at most 1 MiB. */
export async function* contentOf(node: FsNode, signal?: AbortSignal): AsyncGenerator<Buffer> {
  for (let at = 0; at < node.stat.size; ) {
    const bytes = await node.read(at, CHUNK, signal);
    if (bytes.length === 0) throw corrupt('file', at, `inode ${node.stat.ino} ends before its size ${node.stat.size}`);
    yield bytes;
    at += bytes.length;
  }
}
