import type { Finding } from '../check.ts';
import type { Compare, ValueKind } from '../matchers/matcher.ts';

/** For each key that a declaration may have: how its value is compared, and what was learned. */
export type Learned = Readonly<Record<string, readonly [kind: ValueKind, actual: unknown]>>;

/** Compares every declared key with what was learned of it, in the order of `learned`. */
export function judgeKeys(declaration: object, learned: Learned, compare: Compare): Finding[] {
  const declared = declaration as Record<string, unknown>;
  return Object.entries(learned).flatMap(([key, [kind, actual]]): Finding[] => {
    const expected = declared[key];
    if (expected === undefined) return [];
    if (actual === undefined) return [{ path: [key], message: `${key}: could not be learned` }];
    return compare(kind, actual, expected).map((m) => ({
      ...m,
      path: [key, ...m.path],
      message: `${key}: ${m.message}`,
    }));
  });
}
