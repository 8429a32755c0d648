import { connect, type NetConnectOpts, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type Deferred, deferred } from '../../core/index.ts';

const HIGH_WATER = 2 ** 23;
const LANDING = 2 ** 16;

/** Takes exact numbers of bytes from a socket. One reader at a time. */
export class ByteStream<T extends Duplex = Duplex> {
  readonly socket: T;
  #chunks: Buffer[] = [];
  #length = 0;
  /** The part of the reader's buffer that is still to be filled, and what its reader waits for. */
  #wanted: Buffer = Buffer.alloc(0);
  #waiting: Deferred<void> | undefined;
  #failure: Error | undefined;
  readonly #onData = (chunk: Buffer) => {
    if (!this.#arrived(chunk)) this.socket.pause();
  };
  readonly #onEnd = () => this.fail(new Error('the server closed the connection'));
  readonly #onError = (error: Error) => this.fail(error);

  /** Takes what a stream brings, for example TLS. */
  constructor(socket: T) {
    this.socket = socket;
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('close', this.#onEnd);
    socket.on('error', this.#onError);
  }

  /**
   * Connects. The kernel writes what comes into the buffer of the reader that waits for it, which is twice as fast as a
   * stream of pieces.
   */
  static connect(address: NetConnectOpts): ByteStream<Socket> {
    let landing: Buffer = Buffer.allocUnsafeSlow(LANDING);
    let next: Buffer = landing;
    let stream: ByteStream<Socket> | undefined;
    const socket = connect({
      ...address,
      onread: {
        // After each callback, and once before the first.
        buffer: () => {
          next = stream && stream.#wanted.length > LANDING ? stream.#wanted : landing;
          return next;
        },
        callback: (count) => {
          if (!stream) return true;
          if (next !== landing) {
            stream.#filled(count);
            return true;
          }
          const held = stream.#length;
          const more = stream.#arrived(landing.subarray(0, count));
          if (stream.#length > held) landing = Buffer.allocUnsafeSlow(LANDING);
          return more;
        },
      },
    });
    stream = new ByteStream(socket);
    return stream;
  }

  #filled(count: number): void {
    this.#wanted = this.#wanted.subarray(count);
    if (this.#wanted.length === 0) this.#wake();
  }

  /** Gives bytes to the reader that waits, and keeps the rest. @returns whether more may come */
  #arrived(chunk: Buffer): boolean {
    const count = this.#waiting ? chunk.copy(this.#wanted) : 0;
    if (count < chunk.length) {
      this.#chunks.push(chunk.subarray(count));
      this.#length += chunk.length - count;
    }
    if (this.#waiting) this.#filled(count);
    return this.#length <= HIGH_WATER;
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
    let filled = 0;
    for (let chunk = this.#chunks[0]; chunk && filled < target.length; chunk = this.#chunks[0]) {
      const count = chunk.copy(target, filled);
      filled += count;
      this.#length -= count;
      if (count === chunk.length) this.#chunks.shift();
      else this.#chunks[0] = chunk.subarray(count);
    }
    if (filled === target.length) return;
    if (!this.#failure) {
      this.#wanted = target.subarray(filled);
      this.#waiting = deferred<void>();
      this.socket.resume();
      await this.#waiting.promise;
      if (this.#wanted.length === 0) return;
      this.#wanted = Buffer.alloc(0);
    }
    throw this.#failure;
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
