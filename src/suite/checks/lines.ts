import { z } from 'zod';
import type { Finding } from '../check.ts';
import type { Expectations } from '../matchers/expectations.ts';
import type { Compare } from '../matchers/matcher.ts';
import { regularExpression } from '../matchers/matches.ts';
import { judgeKeys } from './keys.ts';

const SHOWN = 10;

/** The keys of a check that looks at the lines of a log. */
export const lineKeys = (expect: Expectations) => ({
  ignore: z
    .array(regularExpression)
    .min(1)
    .optional()
    .meta({ description: 'regular expressions; lines that match one do not count' }),
  lines: expect.text.optional().meta({ description: 'what is left, as text; "" means that there is no such line' }),
  count: expect.number.optional().meta({ description: 'how many lines are left' }),
});

/** Judges the lines of a log that a declaration does not ignore. */
export function judgeLines(
  declaration: { ignore?: string[] | undefined },
  lines: readonly string[],
  compare: Compare,
): Finding[] {
  const ignored = (declaration.ignore ?? []).map((source) => new RegExp(source));
  const left = lines.filter((line) => !ignored.some((pattern) => pattern.test(line)));
  const more = left.length > SHOWN ? [`… (${left.length - SHOWN} more)`] : [];
  const findings = judgeKeys(
    declaration,
    { lines: ['text', left.join('\n')], count: ['number', left.length] },
    compare,
  );
  return findings.map((f) =>
    f.path[0] === 'count' && left.length > 0
      ? { ...f, actual: [`${left.length}:`, ...left.slice(0, SHOWN), ...more].join('\n') }
      : f,
  );
}
