import type { Matcher } from './matcher.ts';

export const length: Matcher = {
  key: 'length',
  kinds: ['string', 'scalar', 'list', 'text'],
  description: 'the number of characters or elements',
  argument: (_kind, expectation) => expectation('number'),
  match: (_kind, actual, expected, compare) =>
    compare('number', (actual as string | readonly string[]).length, expected).map((m) => ({
      ...m,
      message: `its length: ${m.message}`,
    })),
};
