import type { Duplex, Writable } from 'node:stream';
import { type Deferred, deferred, drained } from '../../core/index.ts';

/**
 * Splits what comes over a port: bytes between two equal marks are a command's, all others are thrown away. A mark is
 * random and long, so no output holds it by chance; it may come in several pieces.
 */
export class MarkSplitter {
  readonly #mark: Buffer;
  #inside = false;
  #held = Buffer.alloc(0);

  constructor(mark: string) {
    this.#mark = Buffer.from(mark, 'latin1');
  }

  /** @returns the bytes between the marks; `rest` once the second mark was seen: what follows it */
  push(chunk: Buffer): { data: Buffer; rest?: Buffer } {
    let bytes = this.#held.length > 0 ? Buffer.concat([this.#held, chunk]) : chunk;
    this.#held = Buffer.alloc(0);
    if (!this.#inside) {
      const at = bytes.indexOf(this.#mark);
      if (at === -1) return { data: this.#hold(bytes).subarray(0, 0) };
      this.#inside = true;
      bytes = bytes.subarray(at + this.#mark.length);
    }
    const at = bytes.indexOf(this.#mark);
    if (at === -1) return { data: this.#hold(bytes) };
    return { data: bytes.subarray(0, at), rest: bytes.subarray(at + this.#mark.length) };
  }

  /** Keeps the end of some bytes back where it may be the beginning of a mark. @returns the bytes before it */
  #hold(bytes: Buffer): Buffer {
    const first = this.#mark[0] ?? 0;
    let at = bytes.indexOf(first, Math.max(0, bytes.length - this.#mark.length + 1));
    while (at !== -1 && bytes.compare(this.#mark, 0, bytes.length - at, at) !== 0) at = bytes.indexOf(first, at + 1);
    if (at === -1) return bytes;
    this.#held = Buffer.from(bytes.subarray(at));
    return bytes.subarray(0, at);
  }
}

/** The guest's side of a port as commands use it, one after the other. What no command asked for is thrown away. */
export class MarkedStream {
  readonly #port: Duplex;
  #current: { splitter: MarkSplitter; sink: Writable; done: Deferred<void> } | undefined;

  constructor(port: Duplex) {
    this.#port = port;
    port.on('data', (chunk: Buffer) => this.#receive(chunk));
  }

  /**
   * Passes what comes between two marks on to a sink, no faster than that takes it, and ends the sink.
   * @returns resolves with the second mark, or when `stop` is called
   */
  pass(mark: string, sink: Writable): Promise<void> {
    const done = deferred<void>();
    this.#current = { splitter: new MarkSplitter(mark), sink, done };
    return done.promise;
  }

  /** Ends the current sink; what still comes for it is thrown away. */
  stop(): void {
    const current = this.#current;
    this.#current = undefined;
    current?.sink.end();
    current?.done.resolve();
    this.#port.resume();
  }

  #receive(chunk: Buffer): void {
    const current = this.#current;
    if (!current) return;
    const { data, rest } = current.splitter.push(chunk);
    if (data.length > 0 && !current.sink.destroyed && !current.sink.write(data)) {
      this.#port.pause();
      void drained(current.sink).then(() => this.#port.resume());
    }
    if (rest) this.stop();
  }
}
