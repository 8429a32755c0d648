import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { printable, shellQuote } from '../../src/core/index.ts';

test('terminal sequences are removed and control characters shown', () => {
  expect(printable('\u001b[31mred\u001b[0m \u001b]0;title\u0007a\u0000b\u009bc\u202ed')).toBe(
    'red a\\x00b\\x9bc\\u202ed',
  );
});

test('printable text holds nothing that a terminal obeys', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be left
      expect(printable(text)).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
    }),
  );
});

test('a quoted word is one word of a real shell', () => {
  const word = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !text.includes('\0'));
  fc.assert(
    fc.property(word, (text) => {
      const printed = execFileSync('/bin/sh', ['-c', `printf %s ${shellQuote(text)}`], { encoding: 'utf8' });
      expect(printed).toBe(text);
    }),
    { numRuns: 50 },
  );
});
