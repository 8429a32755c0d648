import { type Deferred, deferred } from '../../core/index.ts';
import type { ByteStream } from './byte-stream.ts';
import { Coverage } from './coverage.ts';
import type { NbdSession } from './handshake.ts';
import {
  CHUNK,
  CHUNK_DONE,
  CHUNK_IS_ERROR,
  COMMAND,
  EXTENDED_REPLY,
  EXTENDED_REQUEST,
  errnoName,
  nbdFailure,
  REQUEST,
  SIMPLE_REPLY,
  STRUCTURED_REPLY,
} from './protocol.ts';

/** One run of a meta context. */
export interface StatusRun {
  length: number;
  flags: number;
}

interface Pending {
  command: number;
  offset: number;
  length: number;
  /** Where the bytes of a read go, and which of them came. */
  target: Buffer;
  coverage: Coverage;
  status: Map<string, StatusRun[]>;
  failure: Error | undefined;
  done: Deferred<void>;
}

interface Chunk {
  done: boolean;
  type: number;
  cookie: bigint;
  length: number;
}

const LARGEST_STATUS = 2 ** 24;
const LARGEST_ERROR = 8192;

/** One connection in its transmission phase, with many requests on their way at once. */
export class NbdConnection implements AsyncDisposable {
  readonly session: NbdSession;
  readonly #stream: ByteStream;
  readonly #server: string;
  readonly #timeout: number;
  readonly #pending = new Map<bigint, Pending>();
  #cookie = 0n;
  #failure: Error | undefined;
  #watch: NodeJS.Timeout | undefined;

  /** @param timeout milliseconds that the server may be silent while it owes an answer */
  constructor(stream: ByteStream, session: NbdSession, server: string, timeout: number) {
    this.#stream = stream;
    this.session = session;
    this.#server = server;
    this.#timeout = timeout;
    void this.#receive();
  }

  get inFlight(): number {
    return this.#pending.size;
  }

  /** Fills a buffer; its length is at most the session's largest read. */
  async read(offset: number, target: Buffer, signal?: AbortSignal): Promise<void> {
    await this.#request(COMMAND.read, offset, target.length, target, signal);
  }

  /** The runs of each context from an offset on; they may end earlier or later than asked. */
  async blockStatus(offset: number, length: number, signal?: AbortSignal): Promise<Map<string, StatusRun[]>> {
    return (await this.#request(COMMAND.blockStatus, offset, length, Buffer.alloc(0), signal)).status;
  }

  async #request(
    command: number,
    offset: number,
    length: number,
    target: Buffer,
    signal?: AbortSignal,
  ): Promise<Pending> {
    signal?.throwIfAborted();
    if (this.#failure) throw this.#failure;
    const cookie = ++this.#cookie;
    const pending: Pending = {
      ...{ command, offset, length, target, failure: undefined },
      coverage: new Coverage(length),
      status: new Map(),
      done: deferred<void>(),
    };
    this.#pending.set(cookie, pending);
    this.#stream.write(requestBytes(this.session.extended, command, cookie, offset, length));
    if (!this.#watch) this.#arm();
    // An answer that nobody waits for any more still comes, and its bytes must have a place.
    const onAbort = () => pending.done.reject(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      await pending.done.promise;
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
    return pending;
  }

  /** Starts the time anew in which something must come. */
  #arm(): void {
    clearTimeout(this.#watch);
    this.#watch = undefined;
    if (this.#pending.size === 0) return;
    this.#watch = setTimeout(() => {
      this.#fail(
        nbdFailure(this.#server, `no answer for ${this.#timeout} ms, with ${this.#pending.size} requests waiting`),
      );
      this.#stream.socket.destroy();
    }, this.#timeout);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#stream.fail(error);
    for (const pending of this.#pending.values()) pending.done.reject(this.#failure);
    this.#pending.clear();
    this.#arm();
  }

  async #receive(): Promise<void> {
    try {
      for (;;) {
        await this.#reply();
        this.#arm();
      }
    } catch (error) {
      const ours = error instanceof Error && error.name === 'GvmError';
      this.#fail(
        ours ? error : nbdFailure(this.#server, error instanceof Error ? error.message : String(error), {}, error),
      );
      this.#stream.socket.destroy();
    }
  }

  #broken(what: string): Error {
    return nbdFailure(this.#server, `it broke the protocol: ${what}`);
  }

  async #reply(): Promise<void> {
    const magic = (await this.#stream.take(4)).readUInt32BE();
    const wanted = this.session.extended ? EXTENDED_REPLY : STRUCTURED_REPLY;
    if (magic === SIMPLE_REPLY && !this.session.extended) return this.#simple();
    if (magic !== wanted || !this.session.structured) throw this.#broken(`a reply begins with 0x${magic.toString(16)}`);
    const head = await this.#stream.take(this.session.extended ? 28 : 16);
    const length = this.session.extended ? head.readBigUInt64BE(20) : BigInt(head.readUInt32BE(12));
    const type = head.readUInt16BE(2);
    if (length > LARGEST_STATUS && type !== CHUNK.data)
      throw this.#broken(`a chunk of type ${type} with ${length} bytes`);
    const chunk = {
      done: (head.readUInt16BE(0) & CHUNK_DONE) !== 0,
      type,
      cookie: head.readBigUInt64BE(4),
      length: Number(length),
    };
    const pending = this.#find(chunk.cookie);
    await this.#chunk(chunk, pending);
    if (!chunk.done) return;
    if (pending.command === COMMAND.read && !pending.failure && !pending.coverage.complete) {
      throw this.#broken(`a read of ${pending.length} bytes ended with some of them missing`);
    }
    this.#finish(chunk.cookie, pending);
  }

  #find(cookie: bigint): Pending {
    const pending = this.#pending.get(cookie);
    if (!pending) throw this.#broken(`a reply to request ${cookie}, which is not waiting`);
    return pending;
  }

  #finish(cookie: bigint, pending: Pending): void {
    this.#pending.delete(cookie);
    if (pending.failure) pending.done.reject(pending.failure);
    else pending.done.resolve();
  }

  async #simple(): Promise<void> {
    const head = await this.#stream.take(12);
    const [errno, cookie] = [head.readUInt32BE(0), head.readBigUInt64BE(4)];
    const pending = this.#find(cookie);
    if (this.session.structured && pending.command === COMMAND.read) throw this.#broken('a simple reply to a read');
    if (errno !== 0) pending.failure = this.#refusal(pending, errno, '');
    else if (pending.command === COMMAND.read) await this.#stream.readInto(pending.target);
    this.#finish(cookie, pending);
  }

  #refusal(pending: Pending, errno: number, message: string): Error {
    const what = pending.command === COMMAND.read ? 'a read' : 'block status';
    const said = message === '' ? '' : ` (${message})`;
    const { offset, length } = pending;
    const text = `${what} of ${length} bytes at ${offset} failed with ${errnoName(errno)}${said}`;
    return nbdFailure(this.#server, text, { errno: errnoName(errno), offset, length });
  }

  async #chunk(chunk: Chunk, pending: Pending): Promise<void> {
    const reading = pending.command === COMMAND.read;
    if (chunk.type & CHUNK_IS_ERROR) return this.#error(chunk, pending);
    if (chunk.type === CHUNK.none) {
      if (chunk.length !== 0 || !chunk.done) throw this.#broken('a chunk without content that has some');
    } else if (chunk.type === CHUNK.data && reading) {
      if (chunk.length <= 8) throw this.#broken(`a data chunk of ${chunk.length} bytes`);
      const at = this.#within(pending, (await this.#stream.take(8)).readBigUInt64BE(), chunk.length - 8);
      await this.#stream.readInto(pending.target.subarray(at, at + chunk.length - 8));
    } else if (chunk.type === CHUNK.hole && reading) {
      if (chunk.length !== 12) throw this.#broken(`a hole chunk of ${chunk.length} bytes`);
      const body = await this.#stream.take(12);
      const length = body.readUInt32BE(8);
      const at = this.#within(pending, body.readBigUInt64BE(0), length);
      pending.target.fill(0, at, at + length);
    } else if ((chunk.type === CHUNK.status || chunk.type === CHUNK.statusExtended) && !reading) {
      this.#status(chunk, pending, await this.#stream.take(chunk.length));
    } else {
      throw this.#broken(`a chunk of type ${chunk.type} in reply to command ${pending.command}`);
    }
  }

  /** The place of a chunk in the bytes asked for. */
  #within(pending: Pending, offset: bigint, length: number): number {
    const at = Number(offset - BigInt(pending.offset));
    if (length > 0 && at >= 0 && at + length <= pending.length && pending.coverage.add(at, length)) return at;
    throw this.#broken(`${length} bytes at ${offset} were not asked for, or came twice`);
  }

  async #error(chunk: Chunk, pending: Pending): Promise<void> {
    if (chunk.length < 6 || chunk.length > LARGEST_ERROR) throw this.#broken(`an error chunk of ${chunk.length} bytes`);
    const body = await this.#stream.take(chunk.length);
    const length = body.readUInt16BE(4);
    if (6 + length > body.length) throw this.#broken('an error message longer than its chunk');
    pending.failure ??= this.#refusal(pending, body.readUInt32BE(0), body.toString('utf8', 6, 6 + length));
  }

  #status(chunk: Chunk, pending: Pending, body: Buffer): void {
    const extended = chunk.type === CHUNK.statusExtended;
    const [head, size] = extended ? [8, 16] : [4, 8];
    if (extended !== this.session.extended || body.length < head + size || (body.length - head) % size !== 0) {
      throw this.#broken(`a block status of ${body.length} bytes`);
    }
    const name = this.session.contexts.get(body.readUInt32BE(0));
    if (name === undefined || pending.status.has(name))
      throw this.#broken('a block status of an unknown context, or twice');
    const runs: StatusRun[] = [];
    for (let at = head; at < body.length; at += size) {
      const length = extended ? Number(body.readBigUInt64BE(at)) : body.readUInt32BE(at);
      const flags = extended ? Number(body.readBigUInt64BE(at + 8)) : body.readUInt32BE(at + 4);
      if (length === 0) throw this.#broken('a block status of an empty run');
      runs.push({ length, flags });
    }
    pending.status.set(name, runs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#failure) {
      this.#stream.write(requestBytes(this.session.extended, COMMAND.disconnect, 0n, 0, 0));
      this.#fail(nbdFailure(this.#server, 'the connection was closed'));
    }
    this.#stream.socket.end();
    this.#stream.socket.destroy();
  }
}

function requestBytes(extended: boolean, command: number, cookie: bigint, offset: number, length: number): Buffer {
  const bytes = Buffer.alloc(extended ? 32 : 28);
  bytes.writeUInt32BE(extended ? EXTENDED_REQUEST : REQUEST, 0);
  bytes.writeUInt16BE(command, 6);
  bytes.writeBigUInt64BE(cookie, 8);
  bytes.writeBigUInt64BE(BigInt(offset), 16);
  if (extended) bytes.writeBigUInt64BE(BigInt(length), 24);
  else bytes.writeUInt32BE(length, 24);
  return bytes;
}
