import { numberOf } from './comparison.ts';
import { type Compare, type Mismatch, mismatch, under, type ValueKind } from './matcher.ts';
import { show, showAs } from './show.ts';

/**
 * What a literal means. A list is exactly that set. Text is equal but for its last newline; a list of patterns
 * asks that each of them occurs.
 */
export function equality(kind: ValueKind, actual: unknown, expected: unknown, compare: Compare): Mismatch[] {
  switch (kind) {
    case 'list':
      return sameSet(actual as readonly string[], expected as readonly string[]);
    case 'text':
      return Array.isArray(expected)
        ? expected.flatMap((pattern, i) => under(i, occurs(String(actual), pattern, compare)))
        : sameText(String(actual), String(expected));
    default:
      return actual === expected || (kind === 'scalar' && typeof expected === 'number' && numberOf(actual) === expected)
        ? []
        : differs(showAs(kind, expected), showAs(kind, actual));
  }
}

const differs = (expected: string, actual: string) =>
  mismatch(`expected ${expected}, found ${actual}`, expected, actual);

function sameSet(actual: readonly string[], expected: readonly string[]): Mismatch[] {
  const missing = expected.filter((e) => !actual.includes(e));
  const extra = actual.filter((a) => !expected.includes(a));
  if (missing.length === 0 && extra.length === 0) return [];
  const what = [
    ...(missing.length > 0 ? [`missing: ${missing.map(show).join(', ')}`] : []),
    ...(extra.length > 0 ? [`not expected: ${extra.map(show).join(', ')}`] : []),
  ];
  const wanted = expected.length === 0 ? 'none' : `exactly ${show(expected)}`;
  return mismatch(`expected ${wanted}; ${what.join('; ')}`, show(expected), show(actual));
}

function sameText(actual: string, expected: string): Mismatch[] {
  const bare = (text: string) => text.replace(/\n$/, '');
  if (bare(actual) === bare(expected)) return [];
  return mismatch('the text differs from what is expected', show(expected), show(actual));
}

function occurs(actual: string, pattern: unknown, compare: Compare): Mismatch[] {
  if (typeof pattern !== 'string') return compare('text', actual, pattern);
  return actual.includes(pattern) ? [] : mismatch(`${show(pattern)} does not occur`, show(pattern), show(actual));
}
