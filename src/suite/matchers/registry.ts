import { all } from './all.ts';
import { any } from './any.ts';
import { ge, gt, le, lt } from './comparison.ts';
import { contains } from './contains.ts';
import { equals } from './equals.ts';
import { length } from './length.ts';
import type { Matcher } from './matcher.ts';
import { matches } from './matches.ts';
import { none } from './none.ts';
import { not } from './not.ts';
import { semver } from './semver.ts';

/** The matchers that gvm knows by itself, in the order in which documents list them. */
export const builtinMatchers: readonly Matcher[] = [
  equals,
  matches,
  contains,
  any,
  all,
  none,
  not,
  gt,
  ge,
  lt,
  le,
  length,
  semver,
];
