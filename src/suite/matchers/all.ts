import { z } from 'zod';
import { type Matcher, under, valueKinds } from './matcher.ts';

export const all: Matcher = {
  key: 'all',
  kinds: valueKinds,
  description: 'every one of several expectations holds',
  argument: (kind, expectation) => z.array(expectation(kind)).min(1),
  match: (kind, actual, argument, compare) =>
    (argument as readonly unknown[]).flatMap((expected, i) => under(i, compare(kind, actual, expected))),
};
