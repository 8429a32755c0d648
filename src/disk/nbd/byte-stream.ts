import type { Duplex } from 'node:stream';
import { type Deferred, deferred } from '../../core/index.ts';

const HIGH_WATER = 2 ** 23;

/** Takes exact numbers of bytes from a socket. One reader at a time. */
export class ByteStream {
  readonly socket: Duplex;
  #chunks: Buffer[] = [];
  #length = 0;
  #waiting: Deferred<void> | undefined;
  #failure: Error | undefined;
  readonly #onData = (chunk: Buffer) => {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    if (this.#length > HIGH_WATER) this.socket.pause();
    this.#wake();
  };
  readonly #onEnd = () => this.fail(new Error('the server closed the connection'));
  readonly #onError = (error: Error) => this.fail(error);

  constructor(socket: Duplex) {
    this.socket = socket;
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('close', this.#onEnd);
    socket.on('error', this.#onError);
  }

  #wake(): void {
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }

  /** Ends every wait with an error; bytes that came before are still given. */
  fail(error: Error): void {
    this.#failure ??= error;
    this.#wake();
  }

  /** Fills a buffer. @throws the reason why no more bytes come */
  async readInto(target: Buffer): Promise<void> {
    for (let filled = 0; filled < target.length; ) {
      const chunk = this.#chunks[0];
      if (!chunk) {
        if (this.#failure) throw this.#failure;
        this.socket.resume();
        this.#waiting = deferred<void>();
        await this.#waiting.promise;
        continue;
      }
      const count = Math.min(chunk.length, target.length - filled);
      chunk.copy(target, filled, 0, count);
      filled += count;
      this.#length -= count;
      if (count === chunk.length) this.#chunks.shift();
      else this.#chunks[0] = chunk.subarray(count);
    }
  }

  async take(length: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(length);
    await this.readInto(bytes);
    return bytes;
  }

  write(bytes: Uint8Array): void {
    if (!this.#failure) this.socket.write(bytes);
  }

  /** Lets go of the socket. @returns whether bytes were left over: what came before TLS must not count after it */
  release(): boolean {
    this.socket.off('data', this.#onData);
    this.socket.off('end', this.#onEnd);
    this.socket.off('close', this.#onEnd);
    this.socket.off('error', this.#onError);
    return this.#length > 0;
  }
}
