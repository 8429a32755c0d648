import type { StatusRun } from './connection.ts';

/** A run of bytes with the value that each meta context has for it. */
export interface StatusExtent {
  offset: number;
  length: number;
  values: ReadonlyMap<string, number>;
}

/** The runs of several contexts cut so that each has one value, as far as all of them reach. */
export function* mergeStatus(
  offset: number,
  runs: ReadonlyMap<string, readonly StatusRun[]>,
  contexts: number,
): Generator<StatusExtent> {
  // A context without an answer says nothing of any byte.
  if (runs.size < contexts) return;
  const cursors = [...runs].map(([name, list]) => ({ name, list, index: 0, left: list[0]?.length ?? 0 }));
  for (let at = offset; cursors.length > 0; ) {
    const length = Math.min(...cursors.map((cursor) => cursor.left));
    if (length === 0) return;
    yield { offset: at, length, values: new Map(cursors.map((c) => [c.name, c.list[c.index]?.flags ?? 0])) };
    at += length;
    for (const cursor of cursors) {
      cursor.left -= length;
      if (cursor.left > 0) continue;
      cursor.index++;
      cursor.left = cursor.list[cursor.index]?.length ?? 0;
    }
  }
}
