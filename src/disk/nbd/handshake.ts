import { view } from '../trouble.ts';
import type { ByteStream } from './byte-stream.ts';
import {
  HANDSHAKE,
  IHAVEOPT,
  INFO,
  NBDMAGIC,
  nbdFailure,
  OPTION,
  OPTION_ERROR,
  OPTION_REPLY,
  REPLY,
  REPLY_ERROR,
  TLS_REQUIRED,
  TRANSMISSION,
} from './protocol.ts';

/** What a server and its client agreed on. */
export interface NbdSession {
  /** Bytes. */
  size: number;
  multiConn: boolean;
  /** Smallest unit of a request, and most bytes of one read. */
  minimumBlock: number;
  largestRead: number;
  structured: boolean;
  extended: boolean;
  /** Meta contexts by the number that stands for them on this connection. */
  contexts: ReadonlyMap<number, string>;
}

export interface HandshakeOptions {
  /** For messages. */
  server: string;
  export: string;
  /** Queries for meta contexts, for example `base:allocation`. */
  contexts: readonly string[];
  /** Refuse to go on without TLS. */
  requireTls: boolean;
  /** Whether extended headers and structured replies are asked for; tests say no. Default yes. */
  plain?: boolean;
  /** Turns the connection into one with TLS. @throws when that fails */
  upgrade: (stream: ByteStream) => Promise<ByteStream>;
}

const LARGEST_REPLY = 2 ** 16;
const LARGEST_READ = 2 ** 25;

/**
 * The fixed newstyle handshake up to the transmission phase.
 * @throws GvmError `nbd-failed`
 */
export async function handshake(
  plain: ByteStream,
  options: HandshakeOptions,
): Promise<{ stream: ByteStream; session: NbdSession }> {
  const greeting = await plain.take(18);
  if (greeting.readBigUInt64BE(0) !== NBDMAGIC) throw nbdFailure(options.server, 'this is no NBD server');
  if (greeting.readBigUInt64BE(8) !== IHAVEOPT)
    throw nbdFailure(options.server, 'it speaks only the oldstyle protocol');
  const flags = greeting.readUInt16BE(16);
  if (!(flags & HANDSHAKE.fixedNewstyle))
    throw nbdFailure(options.server, 'it does not speak the fixed newstyle protocol');
  const answer = Buffer.alloc(4);
  answer.writeUInt32BE(HANDSHAKE.fixedNewstyle | (flags & HANDSHAKE.noZeroes));
  plain.write(answer);
  const negotiation = new Negotiation(plain, options);
  if (options.requireTls) await negotiation.startTls();
  return negotiation.run();
}

interface Reply {
  type: number;
  data: Buffer;
}

class TlsWanted extends Error {}

class Negotiation {
  #stream: ByteStream;
  #secure = false;
  readonly #options: HandshakeOptions;

  constructor(stream: ByteStream, options: HandshakeOptions) {
    this.#stream = stream;
    this.#options = options;
  }

  #fail(what: string, details?: Record<string, unknown>): Error {
    return nbdFailure(this.#options.server, what, details);
  }

  async run(): Promise<{ stream: ByteStream; session: NbdSession }> {
    try {
      return await this.#negotiate();
    } catch (error) {
      if (!(error instanceof TlsWanted) || this.#secure) throw error;
      await this.startTls();
      return this.#negotiate();
    }
  }

  async startTls(): Promise<void> {
    const { error } = await this.#option(OPTION.startTls, Buffer.alloc(0));
    if (error !== undefined) throw this.#fail(`it refuses TLS: ${describe(error)}`);
    this.#stream = await this.#options.upgrade(this.#stream);
    this.#secure = true;
  }

  async #negotiate(): Promise<{ stream: ByteStream; session: NbdSession }> {
    const empty = Buffer.alloc(0);
    const ask = async (option: number) =>
      this.#options.plain !== true && (await this.#option(option, empty)).error === undefined;
    const extended = await ask(OPTION.extendedHeaders);
    const structured = extended || (await ask(OPTION.structuredReply));
    const contexts =
      structured && this.#options.contexts.length > 0 ? await this.#contexts() : new Map<number, string>();
    const { error, message, replies } = await this.#option(OPTION.go, goData(this.#options.export));
    if (error !== undefined) {
      const said = message === '' ? '' : ` (${message})`;
      throw this.#fail(`it refuses the export "${this.#options.export}": ${describe(error)}${said}`, { error });
    }
    return { stream: this.#stream, session: { ...this.#exportInfo(replies), structured, extended, contexts } };
  }

  async #contexts(): Promise<Map<number, string>> {
    const { error, replies } = await this.#option(OPTION.setMetaContext, contextData(this.#options));
    const found = new Map<number, string>();
    // A server without contexts is read all the same; nothing is then known without reading.
    if (error !== undefined) return found;
    for (const { type, data } of replies) {
      if (type !== REPLY.metaContext || data.length < 5) throw this.#fail('a meta context is malformed');
      found.set(data.readUInt32BE(0), data.toString('utf8', 4));
    }
    return found;
  }

  #exportInfo(replies: readonly Reply[]): Omit<NbdSession, 'structured' | 'extended' | 'contexts'> {
    let found: { size: number; flags: number } | undefined;
    let [minimum, largest] = [1, LARGEST_READ];
    for (const { type, data } of replies) {
      if (type !== REPLY.info || data.length < 2) throw this.#fail(`an answer of type ${type} to GO`);
      const info = view(data, 'NBD information', 0);
      if (info.u16be(0) === INFO.export) found = { size: info.u64be(2), flags: info.u16be(10) };
      if (info.u16be(0) !== INFO.blockSize) continue;
      [minimum, largest] = [info.u32be(2), Math.min(LARGEST_READ, info.u32be(10))];
      const power = minimum > 0 && (minimum & (minimum - 1)) === 0;
      if (!power || minimum > 65536 || largest < minimum) {
        throw this.#fail(`blocks of ${minimum} bytes and reads of at most ${info.u32be(10)}`);
      }
    }
    if (!found) throw this.#fail('it did not say how large the export is');
    return {
      size: found.size,
      multiConn: (found.flags & TRANSMISSION.multiConn) !== 0,
      minimumBlock: minimum,
      largestRead: largest - (largest % minimum),
    };
  }

  /** Sends an option and reads its replies up to the final one. */
  async #option(option: number, data: Buffer): Promise<{ error?: number; message: string; replies: Reply[] }> {
    const head = Buffer.alloc(16);
    head.writeBigUInt64BE(IHAVEOPT, 0);
    head.writeUInt32BE(option, 8);
    head.writeUInt32BE(data.length, 12);
    this.#stream.write(Buffer.concat([head, data]));
    const replies: Reply[] = [];
    for (;;) {
      const reply = await this.#stream.take(20);
      const [type, length] = [reply.readUInt32BE(12), reply.readUInt32BE(16)];
      if (reply.readBigUInt64BE(0) !== OPTION_REPLY) throw this.#fail('the magic number of an option reply is wrong');
      if (reply.readUInt32BE(8) !== option)
        throw this.#fail(`an answer to option ${reply.readUInt32BE(8)}, not ${option}`);
      if (length > LARGEST_REPLY) throw this.#fail(`an option reply of ${length} bytes`);
      const payload = await this.#stream.take(length);
      if (type === TLS_REQUIRED && !this.#secure) throw new TlsWanted();
      if (type >= REPLY_ERROR) return { error: type, message: payload.toString('utf8'), replies };
      if (type === REPLY.ack) return { message: '', replies };
      if (replies.push({ type, data: payload }) > 64) throw this.#fail('too many replies to one option');
    }
  }
}

function describe(error: number): string {
  return OPTION_ERROR[error - REPLY_ERROR] ?? `error ${error - REPLY_ERROR}`;
}

function named(name: string): Buffer {
  const bytes = Buffer.from(name);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function goData(name: string): Buffer {
  return Buffer.concat([named(name), Buffer.from([0, 1, 0, INFO.blockSize])]);
}

function contextData(options: HandshakeOptions): Buffer {
  const count = Buffer.alloc(4);
  count.writeUInt32BE(options.contexts.length);
  return Buffer.concat([named(options.export), count, ...options.contexts.map(named)]);
}
