import versions from 'semver';
import { z } from 'zod';
import { type Matcher, mismatch } from './matcher.ts';
import { show } from './show.ts';

/** Versions of kernels and packages are seldom strict: the first number with up to two more is what counts. */
export const semver: Matcher = {
  key: 'semver',
  kinds: ['string', 'scalar'],
  description: 'the version lies in a range such as ">=6.1 <7"; what follows the third number does not count',
  argument: () =>
    z
      .string()
      .refine(
        (range) => range.trim() !== '' && versions.validRange(range) !== null,
        'expected a range of versions, for example ">=6.1 <7"',
      ),
  match(_kind, actual, range) {
    const version = versions.coerce(String(actual).slice(0, 256));
    if (!version) return mismatch(`${show(actual)} has no version in it`, `version ${range}`, show(actual));
    if (versions.satisfies(version, String(range))) return [];
    return mismatch(`version ${version} is outside of ${range}`, `version ${range}`, show(actual));
  },
};
