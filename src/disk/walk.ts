import { showBytes } from '../core/index.ts';
import type { FsEntry, FsNode } from './fs/file-system.ts';
import { joinPath } from './path.ts';
import { asDiagnostic, type Diagnostic } from './trouble.ts';
import type { Located, Vfs } from './vfs.ts';

/** A file that a walk came by, or trouble in its place. */
export type Walked = Place & (Located | { path: Buffer; trouble: Diagnostic });

interface Place {
  /** 1 for what stands in the directory where the walk began. */
  depth: number;
  /** Whether nothing of the same directory follows. */
  last: boolean;
}

export interface WalkOptions {
  /** Directories below the start that are entered. Default all. */
  depth?: number;
  signal?: AbortSignal | undefined;
}

/** Entries of a directory that are sorted at once; a larger one comes in sorted parts. */
const SORTED = 50_000;

/**
 * Every file below a directory, each directory before what is in it, names in the order of their bytes. Trouble with one
 * file or directory is handed out in its place, and the walk goes on. A directory that is met a second time is trouble:
 * a tree has no hard links of directories, and a loop would have no end.
 */
export async function* walkTree(vfs: Vfs, start: Located, options: WalkOptions = {}): AsyncGenerator<Walked> {
  const { depth: deepest = Number.POSITIVE_INFINITY, signal } = options;
  const seen = new Map<unknown, Set<number>>();
  const stack: AsyncGenerator<Walked>[] = [below(start, 1)];
  markSeen(start);
  while (stack.length > 0) {
    const top = stack[stack.length - 1] as AsyncGenerator<Walked>;
    const { value, done } = await top.next();
    if (done) {
      stack.pop();
      continue;
    }
    const walked: Walked = value;
    if (!('node' in walked) || walked.node.stat.type !== 'directory') {
      yield walked;
    } else if (!markSeen(walked)) {
      const message = `${showBytes(walked.path)} is a directory that stands in another place as well`;
      const { path, depth, last } = walked;
      yield { path, depth, last, trouble: { structure: 'directory', offset: undefined, message } };
    } else {
      yield walked;
      if (walked.depth <= deepest) stack.push(below(walked, walked.depth + 1));
    }
  }

  function markSeen({ fs, node }: Located): boolean {
    const inodes = seen.get(fs) ?? new Set<number>();
    seen.set(fs, inodes);
    if (inodes.has(node.stat.ino)) return false;
    inodes.add(node.stat.ino);
    return true;
  }

  async function* below(directory: Located, depth: number): AsyncGenerator<Walked> {
    try {
      for await (const entries of sortedParts(directory.node, signal)) {
        for (const [index, entry] of entries.entries()) {
          signal?.throwIfAborted();
          const place = { depth, last: index === entries.length - 1 && entries.length < SORTED };
          try {
            yield { ...(await vfs.enter(directory, entry.name, await entry.node(signal), signal)), ...place };
          } catch (error) {
            yield { path: joinPath(directory.path, entry.name), trouble: asDiagnostic(error), ...place };
          }
        }
      }
    } catch (error) {
      yield { path: directory.path, depth, last: true, trouble: asDiagnostic(error) };
    }
  }
}

/** The entries of a directory by name, in parts of bounded size. */
async function* sortedParts(directory: FsNode, signal?: AbortSignal): AsyncGenerator<FsEntry[]> {
  const byName = (a: FsEntry, b: FsEntry) => Buffer.compare(a.name, b.name);
  let part: FsEntry[] = [];
  for await (const entry of directory.entries(signal)) {
    if (part.push(entry) < SORTED) continue;
    yield part.sort(byName);
    part = [];
  }
  if (part.length > 0) yield part.sort(byName);
}
