import { type Matcher, mismatch, valueKinds } from './matcher.ts';
import { showAs } from './show.ts';

export const not: Matcher = {
  key: 'not',
  kinds: valueKinds,
  description: 'an expectation does not hold',
  argument: (kind, expectation) => expectation(kind),
  match: (kind, actual, unwanted, compare) =>
    compare(kind, actual, unwanted).length > 0
      ? []
      : mismatch(
          `expected not ${showAs(kind, unwanted)}, which holds`,
          `not ${showAs(kind, unwanted)}`,
          showAs(kind, actual),
        ),
};
