import { z } from 'zod';
import { type Matcher, mismatch } from './matcher.ts';
import { show } from './show.ts';

/** A regular expression of JavaScript, checked when the suite is read. */
export const regularExpression = z
  .string()
  .min(1)
  .superRefine((source, context) => {
    try {
      new RegExp(source);
    } catch (error) {
      context.addIssue((error as Error).message);
    }
  });

export const matches: Matcher = {
  key: 'matches',
  kinds: ['string', 'scalar', 'text'],
  description: 'a regular expression (of JavaScript) is found; in text `^` and `$` stand at every line',
  argument: () => regularExpression,
  match(kind, actual, source) {
    const found = new RegExp(String(source), kind === 'text' ? 'm' : '').test(String(actual));
    return found ? [] : mismatch(`${show(actual)} does not match /${source}/`, `/${source}/`, show(actual));
  },
};
