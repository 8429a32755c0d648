import { z } from 'zod';
import { type Matcher, mismatch, valueKinds } from './matcher.ts';
import { showAs } from './show.ts';

export const any: Matcher = {
  key: 'any',
  kinds: valueKinds,
  description: 'at least one of several expectations holds',
  argument: (kind, expectation) => z.array(expectation(kind)).min(1),
  match(kind, actual, argument, compare) {
    const alternatives = argument as readonly unknown[];
    if (alternatives.some((alternative) => compare(kind, actual, alternative).length === 0)) return [];
    const expected = `any of ${alternatives.map((a) => showAs(kind, a)).join(', ')}`;
    return mismatch(`expected ${expected}, found ${showAs(kind, actual)}`, expected, showAs(kind, actual));
  },
};
