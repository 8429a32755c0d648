import { z } from 'zod';
import { type Matcher, mismatch, under } from './matcher.ts';
import { show } from './show.ts';

export const none: Matcher = {
  key: 'none',
  kinds: ['string', 'number', 'list', 'text'],
  description: 'not one of several expectations holds',
  argument: (kind, expectation) => z.array(expectation(kind)).min(1),
  match: (kind, actual, argument, compare) =>
    (argument as readonly unknown[]).flatMap((unwanted, i) =>
      compare(kind, actual, unwanted).length > 0
        ? []
        : under(i, mismatch(`expected not ${show(unwanted)}, which holds`, `not ${show(unwanted)}`, show(actual))),
    ),
};
