import { z } from 'zod';
import { type Matcher, mismatch, under, valueKinds } from './matcher.ts';
import { showAs } from './show.ts';

export const none: Matcher = {
  key: 'none',
  kinds: valueKinds,
  description: 'not one of several expectations holds',
  argument: (kind, expectation) => z.array(expectation(kind)).min(1),
  match: (kind, actual, argument, compare) =>
    (argument as readonly unknown[]).flatMap((unwanted, i) =>
      compare(kind, actual, unwanted).length > 0
        ? []
        : under(
            i,
            mismatch(
              `expected not ${showAs(kind, unwanted)}, which holds`,
              `not ${showAs(kind, unwanted)}`,
              showAs(kind, actual),
            ),
          ),
    ),
};
