import { equality } from './equality.ts';
import { literals } from './literals.ts';
import { type Matcher, valueKinds } from './matcher.ts';

/** What the bare literal means, for use beside other matchers. */
export const equals: Matcher = {
  key: 'equals',
  kinds: valueKinds,
  description:
    'the same as the value written without a matcher: equal; exactly that set; that text but for its last newline',
  argument: (kind) => literals[kind],
  match: (kind, actual, expected, compare) => equality(kind, actual, expected, compare),
};
