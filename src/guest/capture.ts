/** Keeps the first bytes of a stream, and knows whether there were more. */
export class Capture {
  truncated = false;
  #chunks: Buffer[] = [];
  #room: number;
  #listener: ((chunk: Buffer) => void) | undefined;
  #ended = false;

  constructor(limit: number, listener?: (chunk: Buffer) => void) {
    this.#room = limit;
    this.#listener = listener;
  }

  push(chunk: Buffer): void {
    if (this.#ended) return;
    this.#listener?.(chunk);
    if (chunk.length > this.#room) this.truncated = true;
    const kept = chunk.subarray(0, this.#room);
    this.#room -= kept.length;
    if (kept.length > 0) this.#chunks.push(kept);
  }

  /** What comes from now on is not kept. */
  end(): Buffer {
    this.#ended = true;
    return Buffer.concat(this.#chunks);
  }
}
