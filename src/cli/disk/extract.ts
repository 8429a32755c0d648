import { constants } from 'node:fs';
import { link, lstat, mkdir, open, symlink, utimes } from 'node:fs/promises';
import { formatSize, showBytes } from '../../core/index.ts';
import { type Diagnostic, type FsNode, joinPath, type Located, type Vfs, walkTree } from '../../disk/index.ts';
import { GvmError } from '../../errors/index.ts';
import type { Progress } from './progress.ts';

export interface Extracted {
  files: number;
  folders: number;
  links: number;
  /** Devices, pipes and sockets, which are not made. */
  skipped: number;
  /** Bytes of content. */
  bytes: number;
}

interface Options {
  trouble: (diagnostic: Diagnostic) => void;
  signal: AbortSignal;
  progress: Progress;
}

const PIECE = 2 ** 20;
/** A hard link is known again among this many files with several names. */
const MOST_LINKED = 100_000;

/**
 * Copies a file or a folder to a path of the host that does not exist yet. Each name is made anew, below folders that were
 * made here, so no link that the image holds is ever followed.
 * @throws GvmError `usage` when the destination exists; system errors of the host
 */
export async function extractTree(vfs: Vfs, start: Located, destination: string, options: Options): Promise<Extracted> {
  if (await lstat(destination).catch(() => undefined)) {
    throw new GvmError({ code: 'usage', message: `${destination} exists already`, hint: 'name a path that does not' });
  }
  const done: Extracted = { files: 0, folders: 0, links: 0, skipped: 0, bytes: 0 };
  options.progress.say(() => `${done.files} files, ${formatSize(done.bytes)}`);
  const target = Buffer.from(destination);
  const maker = new Maker(done, options);
  await maker.make(start, target);
  if (start.node.stat.type !== 'directory') return done;
  const above = start.path.length === 1 ? 1 : start.path.length + 1;
  for await (const walked of walkTree(vfs, start, { signal: options.signal })) {
    if ('trouble' in walked) options.trouble(walked.trouble);
    else await maker.make(walked, joinPath(target, walked.path.subarray(above)));
  }
  await maker.finish();
  return done;
}

class Maker {
  readonly #done: Extracted;
  readonly #options: Options;
  readonly #linked = new Map<string, Buffer>();
  /** Folders get their permissions and times at the end, when nothing more is made in them. */
  readonly #folders: { path: Buffer; node: FsNode }[] = [];

  constructor(done: Extracted, options: Options) {
    this.#done = done;
    this.#options = options;
  }

  async make({ node, fs, path: from }: Located, path: Buffer): Promise<void> {
    const { stat } = node;
    const key = `${fs.uuid} ${fs.label} ${stat.ino}`;
    if (stat.type === 'directory') {
      await mkdir(path, { mode: 0o700 });
      this.#folders.push({ path, node });
      this.#done.folders++;
    } else if (stat.type === 'symlink') {
      await symlink(await node.readlink(this.#options.signal), path);
      this.#done.links++;
    } else if (stat.type !== 'file') {
      this.#done.skipped++;
    } else if (stat.nlink > 1 && this.#linked.has(key)) {
      await link(this.#linked.get(key) as Buffer, path);
      this.#done.links++;
    } else {
      await this.#file(node, path, from);
      if (stat.nlink > 1 && this.#linked.size < MOST_LINKED) this.#linked.set(key, path);
    }
  }

  async #file(node: FsNode, path: Buffer, from: Buffer): Promise<void> {
    const { signal, trouble } = this.#options;
    const { mode, size, mtime } = node.stat;
    const handle = await open(
      path,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
      0o600,
    );
    try {
      for await (const { offset, length, kind } of node.extents(signal)) {
        if (kind === 'hole' || kind === 'unwritten') continue;
        for (let at = offset; at < offset + length; at += PIECE) {
          const bytes = await node.read(at, Math.min(PIECE, offset + length - at), signal);
          await handle.write(bytes, 0, bytes.length, at);
          this.#done.bytes += bytes.length;
        }
      }
      await handle.truncate(size);
      await handle.chmod(mode & 0o777);
      await handle.utimes(mtime.seconds, mtime.seconds);
      this.#done.files++;
    } catch (error) {
      const { code } = error as { code?: string };
      if (code !== 'corrupt' && code !== 'unsupported') throw error;
      const message = `${showBytes(from)} is copied in part: ${error instanceof Error ? error.message : String(error)}`;
      trouble({ structure: 'file', offset: undefined, message });
    } finally {
      await handle.close();
    }
  }

  async finish(): Promise<void> {
    for (const { path, node } of this.#folders.reverse()) {
      const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
      await handle.chmod(node.stat.mode & 0o777).finally(() => handle.close());
      await utimes(path, node.stat.mtime.seconds, node.stat.mtime.seconds);
    }
  }
}
