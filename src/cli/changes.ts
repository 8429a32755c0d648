import { statSync } from 'node:fs';
import { pause } from '../core/index.ts';

/** Milliseconds between two looks at the files; an editor's several writes of one save are one change. */
const EVERY = 250;

/** What a file was at a look; that of one that is not there is empty. */
function lookOf(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
  return found ? `${found.mtimeMs} ${found.size} ${found.ino}` : '';
}

/** What files are at this moment. */
export function lookAt(paths: readonly string[]): Map<string, string> {
  return new Map(paths.map((path) => [path, lookOf(path)]));
}

/** The files that changed, once nothing more changes. Rejects with the signal's reason. */
export async function nextChange(looked: ReadonlyMap<string, string>, signal: AbortSignal): Promise<Set<string>> {
  let before = '';
  for (;;) {
    await pause(EVERY, signal);
    const now = [...looked.keys()].map((path) => [path, lookOf(path)] as const);
    const changed = now.filter(([path, look]) => look !== looked.get(path));
    const state = JSON.stringify(changed);
    if (changed.length > 0 && state === before) return new Set(changed.map(([path]) => path));
    before = state;
  }
}
