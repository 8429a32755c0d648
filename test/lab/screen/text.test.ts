import { expect, test } from 'vitest';
import { isTextMode, parsePort, parseWords, screenText, WINDOW } from '../../../src/lab/screen/text.ts';

const pixels = Buffer.alloc(0);

/** A window with lines from a start address on, white on black. */
function windowWith(lines: readonly string[], start: number): Buffer {
  const memory = Buffer.alloc(WINDOW);
  for (const [row, line] of lines.entries()) {
    for (const [column, sign] of [...line].entries()) {
      const at = ((start + row * 80 + column) * 2) % WINDOW;
      memory[at] = sign.charCodeAt(0);
      memory[at + 1] = 7;
    }
  }
  return memory;
}

test.each([0, 80 * 7, WINDOW / 2 - 80])(
  'the text is read from the start address %i on, past the end of the window',
  (start) => {
    expect(screenText(windowWith(['first', '', '  third'], start), start)).toEqual(['first', '  third']);
  },
);

test('frames are drawn, and control characters are not handed on', () => {
  expect(screenText(windowWith(['\xc9\xcd\xbb\x1b[2J\x7f!'], 0), 0)).toEqual(['╔═╗ [2J !']);
});

test.each([
  [720, 400, true],
  [640, 400, true],
  [640, 480, false],
  [800, 600, false],
])('%i × %i dots are text: %s', (width, height, expected) => {
  expect(isTextMode({ width, height, pixels })).toBe(expected);
});

test("QEMU's answers are read", () => {
  const answer = '00000000000b8000: 0x07410742 0x00000001 0x00000000 0x00000000\r\n00000000000b8010: 0x00000002\r\n';
  expect(parseWords(answer).toString('hex')).toBe('420741070100000000000000000000000200 0000'.replace(' ', ''));
  expect(parsePort('portb[0x03d5] = 0x3c\r\n')).toBe(0x3c);
  expect(parsePort('no such port')).toBe(0);
});
