import { createWriteStream, type WriteStream } from 'node:fs';

const TAIL = 2 ** 20;

/**
 * A file that keeps the beginning and the end of what is written to it, so that a guest that never stops printing
 * cannot fill the disk. Writing never fails: trouble is told once.
 */
export class BoundedFile implements AsyncDisposable {
  readonly #stream: WriteStream;
  readonly #closed: Promise<void>;
  #room: number;
  #tail: Buffer[] = [];
  #tailLength = 0;
  #left = 0;
  #broken = false;

  constructor(path: string, limit: number, onTrouble: (message: string) => void) {
    this.#room = limit;
    this.#stream = createWriteStream(path, { mode: 0o600 });
    this.#stream.on('error', (error) => {
      if (!this.#broken) onTrouble(`${path} could not be written: ${error.message}`);
      this.#broken = true;
    });
    this.#closed = new Promise((resolve) => this.#stream.once('close', resolve));
  }

  write(bytes: Buffer): void {
    if (this.#broken) return;
    const head = bytes.subarray(0, this.#room);
    this.#room -= head.length;
    if (head.length > 0) this.#stream.write(head);
    if (head.length === bytes.length) return;
    const rest = bytes.subarray(head.length);
    this.#tail.push(rest);
    this.#tailLength += rest.length;
    while (this.#tailLength > TAIL && this.#tail.length > 1) {
      const dropped = this.#tail.shift()?.length ?? 0;
      this.#tailLength -= dropped;
      this.#left += dropped;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#left > 0) this.#stream.write(`\n[gvm: ${this.#left} bytes are left out here]\n`);
    for (const chunk of this.#tail) this.#stream.write(chunk);
    this.#stream.end();
    await this.#closed;
  }
}
