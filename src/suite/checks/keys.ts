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

/** Findings of `judgeKeys` with the reason why a key could not be learned, where there is one. */
export function withReasons(findings: readonly Finding[], diagnostics: readonly string[]): Finding[] {
  const why = diagnostics.join('; ');
  return findings.map((f) => (f.actual === undefined && why ? { ...f, message: `${f.message}: ${why}` } : f));
}

/** The findings of a yes-or-no key: `words` say what it is when it is so, and when it is not. */
export function judgeFlag(
  declaration: object,
  key: string,
  actual: boolean | undefined,
  words: { yes: string; no: string; found?: string },
): Finding[] {
  const expected = (declaration as Record<string, unknown>)[key];
  if (expected === undefined || expected === actual) return [];
  if (actual === undefined) return [{ path: [key], message: `${key}: could not be learned` }];
  const [wanted, is] = expected ? [words.yes, words.no] : [words.no, words.yes];
  return [{ path: [key], message: `${key}: it is ${is}`, expected: wanted, actual: words.found ?? is }];
}

/** The finding for what is there or is not; undefined where it is there and its keys are to be judged. */
export function judgeExistence(
  declared: boolean | undefined,
  what: string,
  found: string | undefined,
): Finding[] | undefined {
  if (found !== undefined)
    return declared === false
      ? [{ path: ['exists'], message: `${what} exists`, expected: 'does not exist', actual: found }]
      : undefined;
  if (declared === false) return [];
  return [
    { path: declared ? ['exists'] : [], message: `there is no ${what}`, expected: 'exists', actual: 'does not exist' },
  ];
}

/** What contradicts a key that says that nothing is there: any key beside it and the subject. */
export function contradictsAbsence(
  declaration: object,
  { subject, key = 'exists', says }: { subject: string; key?: string; says: string },
): { path: string[]; message: string } | undefined {
  if ((declaration as Record<string, unknown>)[key] !== false) return undefined;
  const other = Object.keys(declaration).find((k) => k !== subject && k !== key);
  return other === undefined
    ? undefined
    : { path: [other], message: `contradicts "${key}: false": ${says} has no ${other}` };
}
