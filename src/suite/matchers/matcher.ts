import type { z } from 'zod';

/**
 * What can be compared: a short string, a number, bytes, milliseconds, a scalar (text of the guest that may be meant as
 * a number), a set of strings, or text of several lines.
 */
export const valueKinds = ['string', 'number', 'size', 'duration', 'scalar', 'list', 'text'] as const;

export type ValueKind = (typeof valueKinds)[number];

/** Why a value is not as expected; `path` leads from the expectation to the part of it that failed. */
export interface Mismatch {
  path: readonly (string | number)[];
  message: string;
  expected: string;
  actual: string;
}

/** Compares a value with an expectation: a literal or `{ matcher: argument }`. No mismatch means that it holds. */
export type Compare = (kind: ValueKind, actual: unknown, expected: unknown) => Mismatch[];

/** One matcher: what may be written as its argument, and what it means. */
export interface Matcher {
  /** The key in a suite. */
  key: string;
  kinds: readonly ValueKind[];
  description: string;
  /** The schema of the argument; `expectation` gives that of a nested expectation. */
  argument(kind: ValueKind, expectation: (kind: ValueKind) => z.ZodType): z.ZodType;
  /** Mismatches with paths from the argument on. */
  match(kind: ValueKind, actual: unknown, argument: unknown, compare: Compare): Mismatch[];
}

/** A mismatch of the matcher as a whole. */
export function mismatch(message: string, expected: string, actual: string): Mismatch[] {
  return [{ path: [], message, expected, actual }];
}

/** Mismatches of a part, seen from the whole. */
export function under(step: string | number, mismatches: readonly Mismatch[]): Mismatch[] {
  return mismatches.map((m) => ({ ...m, path: [step, ...m.path] }));
}
