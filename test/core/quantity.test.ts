import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatDuration, formatSize, parseDuration, parseSize } from '../../src/core/index.ts';

test.each([
  ['512M', 512 * 2 ** 20],
  ['1G', 2 ** 30],
  ['1.5GiB', 1.5 * 2 ** 30],
  ['4096', 4096],
  ['2 K', 2048],
])('the size %s', (text, bytes) => expect(parseSize(text)).toBe(bytes));

test.each([
  ['500ms', 500],
  ['30s', 30_000],
  ['2m', 120_000],
  ['8h', 28_800_000],
  ['1.5s', 1500],
])('the duration %s', (text, ms) => expect(parseDuration(text)).toBe(ms));

test.each(['', 'lots', '-1G', '1X', '1e9', 'G', '99999999T'])('%j is no size', (text) =>
  expect(parseSize(text)).toBeUndefined(),
);

test.each(['', '5', '-1s', 'soon', '1d', '9999999h'])('%j is no duration', (text) =>
  expect(parseDuration(text)).toBeUndefined(),
);

test('any text is a quantity or nothing', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      for (const value of [parseSize(text), parseDuration(text)]) {
        expect(value === undefined || (Number.isFinite(value) && value >= 0)).toBe(true);
      }
    }),
  );
});

test('for people', () => {
  expect([0, 512, 1536, 2 ** 30].map(formatSize)).toEqual(['0B', '512B', '1.5K', '1G']);
  expect([0, 340.4, 7400, 125_000].map(formatDuration)).toEqual(['0 ms', '340 ms', '7.4 s', '2 min 5 s']);
});
