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
  const frames: Frame[] = [frameOf(start, 1, signal)];
  markSeen(seen, start);
  // One generator for all depths: a file that passes through one for each takes several times as long.
  for (let frame = frames.at(-1); frame; frame = frames.at(-1)) {
    const { directory, depth } = frame;
    const entry = frame.entries[frame.next++];
    try {
      if (!entry) {
        const { value, done } = await frame.parts.next();
        if (done) frames.pop();
        else Object.assign(frame, { entries: value, next: 0 });
        continue;
      }
      signal?.throwIfAborted();
    } catch (error) {
      frames.pop();
      yield { path: directory.path, depth, last: true, trouble: asDiagnostic(error) };
      continue;
    }
    const last = frame.next === frame.entries.length && frame.entries.length < SORTED;
    let walked: Walked;
    try {
      const entered = vfs.enter(directory, entry.name, await entry.node(signal), signal);
      const { path, fs, node } = entered instanceof Promise ? await entered : entered;
      walked = { path, fs, node, depth, last };
    } catch (error) {
      yield { path: joinPath(directory.path, entry.name), depth, last, trouble: asDiagnostic(error) };
      continue;
    }
    if (walked.node.stat.type !== 'directory') {
      yield walked;
    } else if (!markSeen(seen, walked)) {
      const message = `${showBytes(walked.path)} is a directory that stands in another place as well`;
      yield { path: walked.path, depth, last, trouble: { structure: 'directory', offset: undefined, message } };
    } else {
      yield walked;
      if (depth <= deepest) frames.push(frameOf(walked, depth + 1, signal));
    }
  }
}

/** A directory that the walk is in. */
interface Frame {
  directory: Located;
  /** Of what stands in it. */
  depth: number;
  parts: AsyncGenerator<FsEntry[]>;
  entries: FsEntry[];
  next: number;
}

const frameOf = (directory: Located, depth: number, signal: AbortSignal | undefined): Frame => ({
  ...{ directory, depth, parts: sortedParts(directory.node, signal) },
  ...{ entries: [], next: 0 },
});

/** @returns whether it is met for the first time */
function markSeen(seen: Map<unknown, Set<number>>, { fs, node }: Located): boolean {
  const inodes = seen.get(fs) ?? new Set<number>();
  seen.set(fs, inodes);
  if (inodes.has(node.stat.ino)) return false;
  inodes.add(node.stat.ino);
  return true;
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
