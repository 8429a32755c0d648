import type { Writable } from 'node:stream';

const FULL = 2 ** 16;

/** The reader of standard output went away, as `head` does: there is nothing more to do, and nothing is wrong. */
export class ReaderGone extends Error {}

/** Writes much to a stream no faster than it is read. */
export interface Output {
  line(text: string): Promise<void>;
  bytes(bytes: Uint8Array): Promise<void>;
  /** Waits until all is handed on. */
  flush(): Promise<void>;
  /** How much came so far. */
  readonly count: { lines: number; bytes: number };
}

/** @throws ReaderGone from any of its methods when nobody reads any more */
export function openOutput(stream: Writable): Output {
  let held: string[] = [];
  let length = 0;
  const count = { lines: 0, bytes: 0 };
  let gone: Error | undefined;
  stream.on('error', (error: NodeJS.ErrnoException) => {
    gone = error.code === 'EPIPE' ? new ReaderGone() : error;
  });
  const write = async (bytes: string | Uint8Array) => {
    await new Promise<void>((resolve) => stream.write(bytes, () => resolve()));
    if (gone) throw gone;
  };
  const flush = async () => {
    if (length === 0) return;
    const text = held.join('');
    held = [];
    length = 0;
    await write(text);
  };
  return {
    async line(text) {
      held.push(`${text}\n`);
      count.lines++;
      length += text.length + 1;
      if (length >= FULL) await flush();
    },
    async bytes(bytes) {
      await flush();
      count.bytes += bytes.length;
      await write(bytes);
    },
    flush,
    count,
  };
}
