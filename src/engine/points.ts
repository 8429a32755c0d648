import type { TestRecord } from '../schema/index.ts';
import type { TestPoint } from '../suite/index.ts';

/** The results of a program as tests of their own, named after the test that ran it. Names that repeat are numbered. */
export function pointRecords(ran: TestRecord, points: readonly TestPoint[]): TestRecord[] {
  const seen = new Map<string, number>();
  return points.map(({ path, outcome, message, durationMs = 0 }) => {
    const title = [ran.name, ...path].join(' › ');
    const count = (seen.get(title) ?? 0) + 1;
    seen.set(title, count);
    const name = count === 1 ? title : `${title} (${count})`;
    const bad = outcome === 'failed' || outcome === 'xpassed';
    const text = message ?? (outcome === 'xpassed' ? 'is known to fail, and holds' : 'not ok');
    const { tags, position, guest, started } = ran;
    return {
      id: `${ran.id.slice(0, ran.id.length - ran.name.length)}${name}`,
      name,
      tags,
      position,
      outcome,
      ...(started === undefined ? {} : { started }),
      durationMs,
      ...(guest === undefined ? {} : { guest }),
      failures: bad ? [{ check: 'result', path: [], position, message: text }] : [],
      ...(!bad && message !== undefined ? { reason: message } : {}),
      commands: [],
      diagnostics: [],
      retries: 0,
    };
  });
}
