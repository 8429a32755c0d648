import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { openProgress } from '../../src/cli/disk/progress.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function terminal(isTTY = true) {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 20 });
  return { stream, text: () => String(stream.read() ?? '').replaceAll('\u001b[K', '') };
}

test('long work says how far it is, no longer than a line, and leaves nothing behind', () => {
  const { stream, text } = terminal();
  let files = 0;
  {
    using progress = openProgress(stream, true);
    progress.say(() => `${files} files and some more words`);
    vi.advanceTimersByTime(900);
    expect(text()).toBe('');
    files = 7;
    vi.advanceTimersByTime(200);
    expect(text()).toBe('\r7 files and some mo');
    vi.advanceTimersByTime(1000);
    expect(text()).toBe('');
    files = 8;
    vi.advanceTimersByTime(300);
    expect(text()).toBe('\r8 files and some mo');
    progress.say(undefined);
    expect(text()).toBe('\r');
    progress.say(() => 'again');
    vi.advanceTimersByTime(300);
    expect(text()).toBe('\ragain');
  }
  expect(text()).toBe('\r');
  vi.advanceTimersByTime(5000);
  expect(text()).toBe('');
});

test.each([
  [false, true],
  [true, false],
])('nothing is shown where it is no terminal, or not wanted', (isTTY, wanted) => {
  const { stream, text } = terminal(isTTY);
  using progress = openProgress(stream, wanted);
  progress.say(() => 'here');
  vi.advanceTimersByTime(5000);
  expect(text()).toBe('');
});
