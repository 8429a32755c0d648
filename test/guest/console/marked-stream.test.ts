import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MarkSplitter } from '../../../src/guest/console/marked-stream.ts';
import { inputPiece, parseAnswer } from '../../../src/guest/console/protocol.ts';

/** Feeds a splitter in pieces of the given sizes. */
function split(mark: string, bytes: Buffer, sizes: readonly number[]): { data: string; rest: string | undefined } {
  const splitter = new MarkSplitter(mark);
  let data = '';
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    const result = splitter.push(bytes.subarray(at, at + size));
    data += result.data.toString('latin1');
    at += size;
    if (result.rest) return { data, rest: result.rest.toString('latin1') + bytes.toString('latin1', at) };
  }
  return { data, rest: undefined };
}

test('what stands between two marks comes out whole, however the bytes are cut', () => {
  // A mark that overlaps with itself, among text made of its own letters.
  const mark = 'aabaa';
  const text = fc
    .array(fc.constantFrom('a', 'b', 'aab', '\0', '\xff'), { maxLength: 20 })
    .map((parts) => parts.join(''));
  const clean = text.filter((t) => !`${t}${mark}`.slice(0, -1).includes(mark) && !t.includes(mark));
  const sizes = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(clean, clean, text, sizes, (before, inside, after, cut) => {
      const bytes = Buffer.from(`${before}${mark}${inside}${mark}${after}`, 'latin1');
      expect(split(mark, bytes, cut)).toEqual({ data: inside, rest: after });
    }),
    { numRuns: 500 },
  );
});

test('output is not held back longer than it may be the beginning of a mark', () => {
  const splitter = new MarkSplitter('mark');
  expect(splitter.push(Buffer.from('xmarkoutput')).data.toString()).toBe('output');
  expect(splitter.push(Buffer.from('line\nma')).data.toString()).toBe('line\n');
  expect(splitter.push(Buffer.from('x')).data.toString()).toBe('max');
});

test.each([
  ['s1 hello 1', { kind: 'hello' }],
  ['s1 ended 7 exit 3', { kind: 'ended', id: 7, exit: { exitCode: 3, signal: null } }],
  ['s1 ended 7 exit 143', { kind: 'ended', id: 7, exit: { exitCode: 143, signal: null } }],
  ['s1 ended 7 signal 143', { kind: 'ended', id: 7, exit: { exitCode: null, signal: 'TERM' } }],
  ['s1 ended 7 signal 3', { kind: 'ended', id: 7, exit: { exitCode: 3, signal: null } }],
  ['s2 ended 7 exit 3', undefined],
  ['s1 ended x exit 3', undefined],
  ['s1 ended 7 exit', undefined],
  ['s1 ended 7 exit -1', undefined],
  ['', undefined],
])('the answer %j means %j', (line, answer) => {
  expect(parseAnswer(line, 's1')).toEqual(answer);
});

test('any line is an answer or none', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (line) => void parseAnswer(`s1 ${line}`, 's1')));
  expect(inputPiece(Buffer.from('abc')).toString()).toBe('3\nabc');
});
