import type { Writable } from 'node:stream';

/** Milliseconds until the first look, and between two. */
const FIRST = 1000;
const EVERY = 250;
const CLEAR = '\r\u001b[K';

/** Work that goes on; disposing of it takes its line away. */
export interface Progress extends Disposable {
  /** What is said of it from now on, one short line, made when it is shown; undefined takes the line away at once. */
  say(line: (() => string) | undefined): void;
}

/** Shows what long work says of itself, in one line that is written over. Nothing is shown where it is not a terminal. */
export function openProgress(stream: Writable & { isTTY?: boolean; columns?: number }, wanted: boolean): Progress {
  let line: (() => string) | undefined;
  let shown = '';
  const show = (text: string) => {
    if (text !== shown) stream.write(`${CLEAR}${text.slice(0, (stream.columns || 80) - 1)}`);
    shown = text;
  };
  let timer: NodeJS.Timeout | undefined;
  const look = () => {
    show(line?.() ?? '');
    timer = setTimeout(look, EVERY).unref();
  };
  if (stream.isTTY && wanted) timer = setTimeout(look, FIRST).unref();
  return {
    say(next) {
      line = next;
      if (!next) show('');
    },
    [Symbol.dispose]() {
      clearTimeout(timer);
      show('');
    },
  };
}
