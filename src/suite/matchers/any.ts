import { z } from 'zod';
import { type Matcher, mismatch } from './matcher.ts';
import { show } from './show.ts';

export const any: Matcher = {
  key: 'any',
  kinds: ['string', 'number', 'list', 'text'],
  description: 'at least one of several expectations holds',
  argument: (kind, expectation) => z.array(expectation(kind)).min(1),
  match(kind, actual, argument, compare) {
    const alternatives = argument as readonly unknown[];
    if (alternatives.some((alternative) => compare(kind, actual, alternative).length === 0)) return [];
    const expected = `any of ${alternatives.map(show).join(', ')}`;
    return mismatch(`expected ${expected}, found ${show(actual)}`, expected, show(actual));
  },
};
