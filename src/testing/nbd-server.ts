// Serves bytes in memory by the NBD protocol: fixed newstyle with GO, simple, structured and extended replies, block status.
// Specification: NetworkBlockDevice/nbd, doc/proto.md. Does not serve: writes, TLS; `qemu-nbd` and `nbdkit` do.
import { createServer, type Server, type Socket } from 'node:net';

export interface NbdServerOptions {
  /** The path of its UNIX socket. */
  socket: string;
  bytes: Uint8Array;
  /** What it offers. Default `structured`. */
  replies?: 'simple' | 'structured' | 'extended';
  multiConn?: boolean;
  /** Milliseconds that each answer waits, for example to give them in another order. */
  delay?: (request: number) => number;
  /** Changes what goes out: every message passes here before it is sent. Nothing is sent for undefined. */
  tamper?: (message: Buffer, index: number) => Buffer | undefined;
}

const OPTION_MAGIC = 0x49484156454f5054n;
const REPLY_MAGIC = 0x0003e889045565a9n;
const ACK = 1;
const UNSUPPORTED = 2 ** 31 + 1;
const CONTEXT = 1;

/** A small NBD server over bytes in memory, which can also be made to answer wrongly. */
export class NbdServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Connections that were ever opened. */
  connections = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async listen(options: NbdServerOptions): Promise<NbdServer> {
    const server = createServer();
    const self = new NbdServer(server);
    server.on('connection', (socket) => {
      self.connections++;
      self.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => self.#sockets.delete(socket));
      new Session(socket, options);
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(options.socket, resolve);
    });
    return self;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

class Session {
  readonly #socket: Socket;
  readonly #options: NbdServerOptions;
  #input = Buffer.alloc(0);
  #phase: 'flags' | 'options' | 'requests' = 'flags';
  #replies: 'simple' | 'structured' | 'extended' = 'simple';
  #sent = 0;
  #requests = 0;

  constructor(socket: Socket, options: NbdServerOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.on('data', (chunk) => {
      this.#input = Buffer.concat([this.#input, chunk]);
      while (this.#step());
    });
    this.#send(Buffer.from('4e42444d4147494349484156454f50540003', 'hex'));
  }

  #send(message: Buffer): void {
    const { tamper } = this.#options;
    const changed = tamper ? tamper(message, this.#sent++) : message;
    if (changed && !this.#socket.destroyed) this.#socket.write(changed);
  }

  #take(length: number): Buffer {
    const bytes = this.#input.subarray(0, length);
    this.#input = this.#input.subarray(length);
    return bytes;
  }

  /** Handles one message of the client. @returns whether there may be another */
  #step(): boolean {
    if (this.#phase === 'flags') {
      if (this.#input.length < 4) return false;
      this.#take(4);
      this.#phase = 'options';
      return true;
    }
    if (this.#phase === 'options') {
      if (this.#input.length < 16) return false;
      const length = this.#input.readUInt32BE(12);
      if (this.#input.length < 16 + length) return false;
      const head = this.#take(16);
      if (head.readBigUInt64BE(0) === OPTION_MAGIC) this.#option(head.readUInt32BE(8), this.#take(length));
      return true;
    }
    const size = this.#replies === 'extended' ? 32 : 28;
    if (this.#input.length < size) return false;
    this.#request(Buffer.from(this.#take(size)));
    return true;
  }

  #reply(option: number, type: number, data = Buffer.alloc(0)): void {
    const head = Buffer.alloc(20);
    head.writeBigUInt64BE(REPLY_MAGIC, 0);
    head.writeUInt32BE(option, 8);
    head.writeUInt32BE(type, 12);
    head.writeUInt32BE(data.length, 16);
    this.#send(Buffer.concat([head, data]));
  }

  #option(option: number, data: Buffer): void {
    const offered = this.#options.replies ?? 'structured';
    if (option === 11 && offered === 'extended') this.#replies = 'extended';
    else if (option === 8 && offered !== 'simple') this.#replies = 'structured';
    else if (option === 10) this.#contexts(data);
    else if (option === 7) this.#go();
    else {
      this.#reply(option, UNSUPPORTED, Buffer.from('not here'));
      return;
    }
    this.#reply(option, ACK);
    if (option === 7) this.#phase = 'requests';
  }

  #contexts(data: Buffer): void {
    const name = data.readUInt32BE(0);
    const queries = data.subarray(8 + name).toString('latin1');
    if (queries.includes('base:allocation')) {
      this.#reply(10, 4, Buffer.concat([Buffer.from([0, 0, 0, CONTEXT]), Buffer.from('base:allocation')]));
    }
  }

  #go(): void {
    const info = Buffer.alloc(12);
    info.writeBigUInt64BE(BigInt(this.#options.bytes.length), 2);
    info.writeUInt16BE(0x3 | (this.#options.multiConn ? 0x100 : 0), 10);
    this.#reply(7, 3, info);
    const blocks = Buffer.alloc(14);
    blocks.writeUInt16BE(3, 0);
    blocks.writeUInt32BE(1, 2);
    blocks.writeUInt32BE(4096, 6);
    blocks.writeUInt32BE(2 ** 25, 10);
    this.#reply(7, 3, blocks);
  }

  #request(request: Buffer): void {
    const [type, cookie] = [request.readUInt16BE(6), request.subarray(8, 16)];
    const offset = Number(request.readBigUInt64BE(16));
    const length = this.#replies === 'extended' ? Number(request.readBigUInt64BE(24)) : request.readUInt32BE(24);
    if (type === 2) {
      this.#socket.end();
      return;
    }
    const answer = () => {
      const inside = offset + length <= this.#options.bytes.length;
      if (type === 0 && inside) this.#read(cookie, offset, length);
      else if (type === 7 && inside && this.#replies !== 'simple') this.#status(cookie, offset, length);
      else this.#error(cookie, 22);
    };
    const wait = this.#options.delay?.(this.#requests++) ?? 0;
    if (wait > 0) setTimeout(answer, wait);
    else answer();
  }

  #error(cookie: Buffer, errno: number): void {
    const number = Buffer.alloc(6);
    number.writeUInt32BE(errno);
    if (this.#replies === 'simple') this.#simple(cookie, errno, Buffer.alloc(0));
    else this.#chunk(cookie, 0x8001, true, 0, number);
  }

  #simple(cookie: Buffer, errno: number, data: Uint8Array): void {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(0x67446698, 0);
    head.writeUInt32BE(errno, 4);
    this.#send(Buffer.concat([head, cookie, data]));
  }

  #chunk(cookie: Buffer, type: number, done: boolean, offset: number, data: Uint8Array): void {
    const extended = this.#replies === 'extended';
    const head = Buffer.alloc(8);
    head.writeUInt32BE(extended ? 0x6e8a278c : 0x668e33ef, 0);
    head.writeUInt16BE(done ? 1 : 0, 4);
    head.writeUInt16BE(type, 6);
    const tail = Buffer.alloc(extended ? 16 : 4);
    if (extended) {
      tail.writeBigUInt64BE(BigInt(offset), 0);
      tail.writeBigUInt64BE(BigInt(data.length), 8);
    } else tail.writeUInt32BE(data.length, 0);
    this.#send(Buffer.concat([head, cookie, tail, data]));
  }

  /** A structured read comes in three pieces, the last one first; zeros come as holes. */
  #read(cookie: Buffer, offset: number, length: number): void {
    const { bytes } = this.#options;
    if (this.#replies === 'simple') {
      this.#simple(cookie, 0, bytes.subarray(offset, offset + length));
      return;
    }
    const third = Math.max(1, Math.floor(length / 3));
    const starts = [0, third, 2 * third].filter((at, i) => at < length && (i === 0 || at > 0));
    const pieces = starts.map((at, i) => [at, starts[i + 1] ?? length] as const).reverse();
    for (const [index, [from, to]] of pieces.entries()) {
      const part = bytes.subarray(offset + from, offset + to);
      const zero = part.every((byte) => byte === 0);
      const place = Buffer.alloc(zero ? 12 : 8);
      place.writeBigUInt64BE(BigInt(offset + from), 0);
      if (zero) place.writeUInt32BE(to - from, 8);
      const data = zero ? place : Buffer.concat([place, part]);
      this.#chunk(cookie, zero ? 2 : 1, index === pieces.length - 1, offset, data);
    }
  }

  /** Runs of 4096 bytes, at most five an answer. */
  #status(cookie: Buffer, offset: number, length: number): void {
    const { bytes } = this.#options;
    const extended = this.#replies === 'extended';
    const runs: Buffer[] = [];
    for (let at = offset; at < offset + length && runs.length < 5; ) {
      const end = Math.min(bytes.length, Math.floor(at / 4096) * 4096 + 4096);
      const flags = bytes.subarray(at, end).every((byte) => byte === 0) ? 3 : 0;
      const run = Buffer.alloc(extended ? 16 : 8);
      if (extended) {
        run.writeBigUInt64BE(BigInt(end - at), 0);
        run.writeBigUInt64BE(BigInt(flags), 8);
      } else {
        run.writeUInt32BE(end - at, 0);
        run.writeUInt32BE(flags, 4);
      }
      runs.push(run);
      at = end;
    }
    const head = Buffer.alloc(extended ? 8 : 4);
    head.writeUInt32BE(CONTEXT, 0);
    if (extended) head.writeUInt32BE(runs.length, 4);
    this.#chunk(cookie, extended ? 6 : 5, true, offset, Buffer.concat([head, ...runs]));
  }
}
