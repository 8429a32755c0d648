// Reads: an export of an NBD server: fixed newstyle, GO, structured replies, extended headers, block status, TLS, several
// connections. Specification: NetworkBlockDevice/nbd, doc/proto.md.
// Does not read: servers without GO (before 2016); nothing is ever written.
import type { Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { within } from '../../core/index.ts';
import { isGvmError } from '../../errors/index.ts';
import { type BlockSource, checkRange, type Extent } from '../source/source.ts';
import { type NbdAddress, showAddress } from './address.ts';
import { ByteStream } from './byte-stream.ts';
import { NbdConnection } from './connection.ts';
import { handshake, type NbdSession } from './handshake.ts';
import { nbdFailure } from './protocol.ts';
import { mergeStatus, type StatusExtent } from './status.ts';
import { trustOf } from './trust.ts';

export interface NbdOptions {
  /** Most connections, where the server allows several. Default 4. */
  connections?: number;
  /** Meta contexts to ask for. Default `base:allocation`. */
  contexts?: readonly string[];
  /** Certificates for servers that ask for TLS; by default those of the system are trusted. */
  tls?: Pick<
    ConnectionOptions,
    'ca' | 'cert' | 'key' | 'servername' | 'pskCallback' | 'ciphers' | 'checkServerIdentity'
  >;
  /** Milliseconds that the server may be silent while it owes an answer. Default 30 s. */
  timeout?: number;
  /** Neither structured replies nor extended headers. */
  plain?: boolean;
  signal?: AbortSignal | undefined;
}

const TIMEOUT = 30_000;
/** A read is cut into requests of this size, which go over all connections at once. */
const PIECE = 2 ** 20;
const MOST_IN_FLIGHT = 16;
const HOLE = 1;
const ZERO = 2;

/** An export of an NBD server as a block source. */
export class NbdSource implements BlockSource {
  readonly size: number;
  readonly session: NbdSession;
  readonly #connections: NbdConnection[];
  readonly #piece: number;
  #free: number;
  readonly #queue: (() => void)[] = [];

  private constructor(connections: NbdConnection[], session: NbdSession) {
    this.#connections = connections;
    this.session = session;
    this.size = session.size;
    this.#piece = Math.min(session.largestRead, PIECE);
    this.#free = MOST_IN_FLIGHT * connections.length;
  }

  /** @throws GvmError `nbd-failed`; or the signal's reason */
  static async connect(address: NbdAddress, options: NbdOptions = {}): Promise<NbdSource> {
    const first = await openConnection(address, options);
    const more = first.session.multiConn ? (options.connections ?? 4) - 1 : 0;
    const others = await Promise.allSettled(Array.from({ length: more }, () => openConnection(address, options)));
    const opened = others.flatMap((other) => (other.status === 'fulfilled' ? [other.value] : []));
    return new NbdSource([first, ...opened], first.session);
  }

  get connections(): number {
    return this.#connections.length;
  }

  #least(): NbdConnection {
    return this.#connections.reduce((best, other) => (other.inFlight < best.inFlight ? other : best));
  }

  async #turn<T>(work: (connection: NbdConnection) => Promise<T>): Promise<T> {
    if (this.#free === 0) await new Promise<void>((resolve) => this.#queue.push(resolve));
    else this.#free--;
    try {
      return await work(this.#least());
    } finally {
      const next = this.#queue.shift();
      if (next) next();
      else this.#free++;
    }
  }

  async read(offset: number, length: number, signal?: AbortSignal): Promise<Buffer> {
    checkRange(this, offset, length);
    const unit = this.session.minimumBlock;
    const start = offset - (offset % unit);
    const end = Math.min(this.size, Math.ceil((offset + length) / unit) * unit);
    const bytes = Buffer.allocUnsafeSlow(end - start);
    const pieces: Promise<void>[] = [];
    for (let at = 0; at < bytes.length; at += this.#piece) {
      const target = bytes.subarray(at, at + this.#piece);
      pieces.push(this.#turn((connection) => connection.read(start + at, target, signal)));
    }
    await Promise.all(pieces);
    return bytes.subarray(offset - start, offset - start + length);
  }

  /** What each meta context says of a range, in order and without gaps. Nothing where there are no contexts. */
  async *blockStatus(offset: number, length: number, signal?: AbortSignal): AsyncGenerator<StatusExtent> {
    checkRange(this, offset, length);
    if (this.session.contexts.size === 0) return;
    const unit = this.session.minimumBlock;
    const most = this.session.extended ? Number.MAX_SAFE_INTEGER : 2 ** 32 - 2 ** 16;
    for (let at = offset - (offset % unit); at < offset + length; ) {
      const want = Math.min(this.size - at, most, Math.ceil((offset + length - at) / unit) * unit);
      const runs = await this.#turn((connection) => connection.blockStatus(at, want, signal));
      let reached = at;
      for (const extent of mergeStatus(at, runs, this.session.contexts.size)) {
        reached = extent.offset + extent.length;
        const from = Math.max(offset, extent.offset);
        const to = Math.min(reached, offset + length);
        if (from < to) yield { ...extent, offset: from, length: to - from };
      }
      if (reached === at) throw nbdFailure('', `no block status at ${at}`);
      at = reached;
    }
  }

  async *extents(offset: number, length: number, signal?: AbortSignal): AsyncGenerator<Extent> {
    checkRange(this, offset, length);
    let at = offset;
    for await (const extent of this.blockStatus(offset, length, signal)) {
      const flags = extent.values.get('base:allocation') ?? 0;
      yield { offset: at, length: extent.length, zero: (flags & ZERO) !== 0, hole: (flags & HOLE) !== 0 };
      at += extent.length;
    }
    if (at < offset + length) yield { offset: at, length: offset + length - at, zero: false, hole: false };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#connections) await connection[Symbol.asyncDispose]();
  }
}

async function openConnection(address: NbdAddress, options: NbdOptions): Promise<NbdConnection> {
  const server = showAddress(address);
  const timeout = options.timeout ?? TIMEOUT;
  const plain = ByteStream.connect(address.socket);
  const { socket } = plain;
  socket.setNoDelay(true);
  let stream: ByteStream = plain;
  try {
    const done = handshake(plain, {
      server,
      export: address.export,
      contexts: options.contexts ?? ['base:allocation'],
      requireTls: address.tls,
      plain: options.plain ?? false,
      upgrade: async () => {
        stream = await upgrade(plain, socket, address, options);
        return stream;
      },
    });
    const agreed = await within(done, timeout, options.signal);
    if (!agreed) {
      done.catch(() => {});
      throw nbdFailure(server, `no handshake within ${timeout} ms`);
    }
    return new NbdConnection(agreed.stream, agreed.session, server, timeout);
  } catch (error) {
    stream.fail(new Error('given up'));
    stream.socket.destroy();
    socket.destroy();
    if (isGvmError(error) || options.signal?.aborted) throw error;
    throw nbdFailure(server, error instanceof Error ? error.message : String(error), {}, error);
  }
}

/** Wraps the socket in TLS; bytes that came in the clear before are an attack, and end it. */
async function upgrade(
  plain: ByteStream,
  socket: Socket,
  address: NbdAddress,
  options: NbdOptions,
): Promise<ByteStream> {
  // Most servers have a socket on this host and no TLS.
  const { connect: connectTls } = await import('node:tls');
  if (plain.release()) throw new Error('bytes came between STARTTLS and TLS');
  const host = 'host' in address.socket ? address.socket.host : undefined;
  const name = host !== undefined && !/^[\d.:]+$|:/.test(host) ? { servername: host } : {};
  const secure = connectTls({ socket, ...name, ...trustOf(address), ...options.tls });
  const stream = new ByteStream(secure);
  await new Promise<void>((resolve, reject) => {
    secure.once('secureConnect', resolve);
    secure.once('error', reject);
    secure.once('close', () => reject(new Error('the server closed the connection during TLS')));
  });
  return stream;
}
