import { expect, test } from 'vitest';
import { nearest } from '../../src/core/index.ts';

test.each([
  ['acel', 'accel'],
  ['tset', 'test'],
  ['Memroy', 'memory'],
  ['zzz', undefined],
  ['', undefined],
])('%s means %s', (word, expected) => {
  expect(nearest(word, ['accel', 'test', 'memory', 'append'])).toBe(expected);
});
