import { type Matcher, mismatch } from './matcher.ts';
import { show } from './show.ts';

export const not: Matcher = {
  key: 'not',
  kinds: ['string', 'number', 'list', 'text'],
  description: 'an expectation does not hold',
  argument: (kind, expectation) => expectation(kind),
  match: (kind, actual, unwanted, compare) =>
    compare(kind, actual, unwanted).length > 0
      ? []
      : mismatch(`expected not ${show(unwanted)}, which holds`, `not ${show(unwanted)}`, show(actual)),
};
