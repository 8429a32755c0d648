import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expectations } from '../../src/suite/matchers/expectations.ts';
import type { ValueKind } from '../../src/suite/matchers/matcher.ts';
import { builtinMatchers } from '../../src/suite/matchers/registry.ts';

const { compare, ...schemas } = expectations(builtinMatchers);

/** Compares a value with an expectation as it would be written, and says what differs. */
function judge(kind: ValueKind, actual: unknown, expected: unknown): string[] {
  return compare(kind, actual, schemas[kind].parse(expected)).map((m) => `${m.path.join('.')}: ${m.message}`);
}

describe('what holds', () => {
  test.each<[ValueKind, unknown, unknown]>([
    ['string', 'root', 'root'],
    ['string', '6.1.0-42-amd64', { matches: '^6\\.1\\.', not: { contains: 'rc' } }],
    ['string', '6.1.0-42-amd64', { semver: '>=6.1 <7' }],
    ['string', 'v1.2', { semver: '~1.2.0' }],
    ['string', 'abc', { length: 3, contains: ['a', 'c'] }],
    ['string', 'b', { any: ['a', { matches: 'b' }] }],
    ['string', 'b', { none: ['a', { matches: 'c' }], all: ['b', { length: { le: 1 } }] }],
    ['number', 5, 5],
    ['text', 'a\n', { equals: 'a', matches: '^a$' }],
    ['list', ['b', 'a'], { equals: ['a', 'b'], length: 2 }],
    ['number', 5, { gt: 4, ge: 5, lt: 6, le: 5, not: 4 }],
    ['list', [], []],
    ['list', ['b', 'a', 'a'], ['a', 'b']],
    ['list', ['rw', 'noatime'], { contains: 'rw' }],
    ['list', ['rw', 'noatime'], { contains: ['rw', { matches: 'atime' }], length: 2 }],
    ['list', [], { length: 0 }],
    ['list', ['x'], { not: [] }],
    ['text', 'one\ntwo\n', 'one\ntwo'],
    ['text', '', ''],
    ['text', 'one\ntwo\n', ['two', { matches: '^o' }, { not: { contains: 'three' } }]],
    ['text', 'one\ntwo\n', { matches: '^two$' }],
  ])('%s %j is %j', (kind, actual, expected) => {
    expect(judge(kind, actual, expected)).toEqual([]);
  });
});

describe('what does not hold says why, and which part', () => {
  test.each<[ValueKind, unknown, unknown, string[]]>([
    ['string', 'nobody', 'root', [': expected "root", found "nobody"']],
    [
      'string',
      '5.10',
      { matches: '^6', contains: 'x' },
      ['matches: "5.10" does not match /^6/', 'contains: "x" is not in it'],
    ],
    ['string', '5.10.0', { semver: '>=6.1' }, ['semver: version 5.10.0 is outside of >=6.1']],
    ['string', 'none', { semver: '>=6.1' }, ['semver: "none" has no version in it']],
    ['string', 'b', { any: ['a', 'c'] }, ['any: expected any of "a", "c", found "b"']],
    ['string', 'b', { all: ['b', 'c'] }, ['all.1: expected "c", found "b"']],
    ['string', 'b', { none: ['a', 'b'] }, ['none.1: expected not "b", which holds']],
    ['string', 'b', { not: 'b' }, ['not: expected not "b", which holds']],
    ['text', 'a\n', { equals: 'b' }, ['equals: the text differs from what is expected']],
    ['number', 5, { gt: 5, lt: 4 }, ['gt: expected greater than 5, found 5', 'lt: expected less than 4, found 5']],
    ['list', ['ntpd'], [], [': expected none; not expected: "ntpd"']],
    ['list', ['a', 'c'], ['a', 'b'], [': expected exactly ["a","b"]; missing: "b"; not expected: "c"']],
    ['list', ['rw'], { contains: ['rw', 'noatime'] }, ['contains.1: "noatime" is not in it']],
    ['list', ['rw'], { length: { ge: 2 } }, ['length.ge: its length: expected at least 2, found 1']],
    [
      'text',
      'one\n',
      ['one', 'two', { matches: '^t' }],
      ['1: "two" does not occur', '2.matches: one does not match /^t/'],
    ],
    ['text', 'one\n', 'two', [': the text differs from what is expected']],
    ['text', 'one\n', '', [': the text differs from what is expected']],
  ])('%s %j is not %j', (kind, actual, expected, why) => {
    expect(judge(kind, actual, expected)).toEqual(why);
  });
});

test('a value never holds and fails to hold at once, whatever it is', () => {
  const pattern = fc.constantFrom('a', '^$', '.', 'b+');
  fc.assert(
    fc.property(fc.string(), pattern, fc.array(fc.string(), { minLength: 1 }), (text, source, words) => {
      for (const expected of [text, { matches: source }, { any: words }, { none: words }, { length: { lt: 5 } }]) {
        const holds = compare('string', text, expected).length === 0;
        expect(compare('string', text, { not: expected }).length === 0).toBe(!holds);
      }
      expect(compare('list', words, [...words].reverse())).toEqual([]);
      expect(compare('list', words, { not: words })).toHaveLength(1);
    }),
  );
});

test('what is shown of a value is bounded', () => {
  const [found] = compare('text', 'x'.repeat(100_000), { contains: 'y'.repeat(100_000) });
  expect(JSON.stringify(found).length).toBeLessThan(5000);
});
