import { z } from 'zod';
import { type Matcher, mismatch } from './matcher.ts';
import { show } from './show.ts';

function comparison(key: string, sign: string, words: string, holds: (a: number, b: number) => boolean): Matcher {
  return {
    key,
    kinds: ['number'],
    description: `the number is ${words} this`,
    argument: () => z.number(),
    match: (_kind, actual, limit) =>
      holds(actual as number, limit as number)
        ? []
        : mismatch(`expected ${words} ${limit}, found ${show(actual)}`, `${sign} ${limit}`, show(actual)),
  };
}

export const gt = comparison('gt', '>', 'greater than', (a, b) => a > b);
export const ge = comparison('ge', '>=', 'at least', (a, b) => a >= b);
export const lt = comparison('lt', '<', 'less than', (a, b) => a < b);
export const le = comparison('le', '<=', 'at most', (a, b) => a <= b);
