import { z } from 'zod';
import { literals } from './literals.ts';
import { type Matcher, mismatch } from './matcher.ts';
import { showAs } from './show.ts';

function comparison(key: string, sign: string, words: string, holds: (a: number, b: number) => boolean): Matcher {
  return {
    key,
    kinds: ['number', 'size', 'duration', 'scalar'],
    description: `the number is ${words} this`,
    argument: (kind) => (kind === 'scalar' ? z.number() : literals[kind]),
    match(kind, actual, limit) {
      const number = numberOf(actual);
      if (number !== undefined && holds(number, limit as number)) return [];
      const [wanted, found] = [showAs(kind, limit), showAs(kind, actual)];
      return mismatch(`expected ${words} ${wanted}, found ${found}`, `${sign} ${wanted}`, found);
    },
  };
}

/** The number that a value is or, for text, says. */
export function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN;
  return Number.isNaN(number) ? undefined : number;
}

export const gt = comparison('gt', '>', 'greater than', (a, b) => a > b);
export const ge = comparison('ge', '>=', 'at least', (a, b) => a >= b);
export const lt = comparison('lt', '<', 'less than', (a, b) => a < b);
export const le = comparison('le', '<=', 'at most', (a, b) => a <= b);
