import { z } from 'zod';
import { equality } from './equality.ts';
import type { Matcher } from './matcher.ts';

const LITERALS = { string: z.string(), number: z.number(), list: z.array(z.string()), text: z.string() };

/** What the bare literal means, for use beside other matchers. */
export const equals: Matcher = {
  key: 'equals',
  kinds: ['string', 'number', 'list', 'text'],
  description:
    'the same as the value written without a matcher: equal; exactly that set; that text but for its last newline',
  argument: (kind) => LITERALS[kind],
  match: (kind, actual, expected, compare) => equality(kind, actual, expected, compare),
};
