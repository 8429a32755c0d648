import { z } from 'zod';
import { type Matcher, type Mismatch, mismatch, under } from './matcher.ts';
import { show } from './show.ts';

export const contains: Matcher = {
  key: 'contains',
  kinds: ['string', 'scalar', 'list', 'text'],
  description: 'a part of the text, or an element of the list; of several each must be there',
  argument(kind, expectation) {
    const part = kind === 'list' ? expectation('string') : z.string().min(1);
    return z.union([part, z.array(part).min(1)]);
  },
  match(kind, actual, argument, compare) {
    const one = (part: unknown): Mismatch[] => {
      const found =
        kind === 'list'
          ? (actual as readonly string[]).some((element) => compare('string', element, part).length === 0)
          : String(actual).includes(String(part));
      return found ? [] : mismatch(`${show(part)} is not in it`, `contains ${show(part)}`, show(actual));
    };
    return Array.isArray(argument) ? argument.flatMap((part, i) => under(i, one(part))) : one(argument);
  },
};
