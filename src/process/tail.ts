import type { Readable } from 'node:stream';

/** Keeps the last `limit` bytes of a stream while it flows, so that a chatty child costs no memory. */
export class OutputTail {
  #chunks: Buffer[] = [];
  #length = 0;
  #stream: Readable;
  /** Resolves when the stream has ended or broken. */
  readonly ended: Promise<void>;

  constructor(stream: Readable, limit = 64 * 1024) {
    this.#stream = stream;
    stream.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#length += chunk.length;
      while (this.#chunks.length > 1 && this.#length - (this.#chunks[0]?.length ?? 0) >= limit) {
        this.#length -= this.#chunks.shift()?.length ?? 0;
      }
    });
    this.ended = new Promise((resolve) => {
      stream.once('close', resolve);
      stream.on('error', () => resolve());
    });
  }

  /** Resolves when the kept text matches; never when it does not. */
  matched(pattern: RegExp): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!pattern.test(this.text())) return;
        this.#stream.off('data', look);
        resolve();
      };
      this.#stream.on('data', look);
      look();
    });
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString('utf8');
  }
}
