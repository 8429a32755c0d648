import type { Duplex } from 'node:stream';
import { AsyncQueue, clip, type Deferred, deferred, monotonic } from '../../core/index.ts';
import { GvmError } from '../../errors/index.ts';
import { LineSplitter } from './lines.ts';
import { parseMessage, type QmpCommands, type QmpEvent, type QmpMessage } from './protocol.ts';

const LONGEST_LINE = 4 * 2 ** 20;
const COMMAND_TIMEOUT = 10_000;

export interface QmpOptions {
  /** Milliseconds. Default 10 s. */
  timeout?: number;
  signal?: AbortSignal | undefined;
}

interface Pending {
  command: string;
  answer: Deferred<unknown>;
}

/**
 * A client of the QEMU Machine Protocol (QEMU docs/interop/qmp-spec.rst) on a connected stream. It ends with the
 * stream; commands that then wait fail with `qmp-closed`.
 */
export class QmpClient implements AsyncDisposable {
  /** QEMU's version, from its greeting. */
  readonly version: string;
  /** Resolves when the connection has ended, with the reason. */
  readonly closed: Promise<string>;
  readonly #wire: Wire;

  private constructor(wire: Wire, version: string) {
    this.#wire = wire;
    this.version = version;
    this.closed = wire.closed.promise;
  }

  /**
   * Reads the greeting and enters command mode.
   * @throws GvmError `qmp-closed` when the stream ends first, `deadline` when no greeting comes in time.
   */
  static async connect(stream: Duplex, options: QmpOptions = {}): Promise<QmpClient> {
    const wire = new Wire(stream);
    try {
      const version = await wire.bounded(wire.greeting.promise, 'its greeting', options);
      const client = new QmpClient(wire, version);
      await client.execute('qmp_capabilities', undefined, options);
      return client;
    } catch (error) {
      stream.destroy();
      throw error;
    }
  }

  /**
   * Sends a command and waits for its answer.
   * @throws GvmError `qmp-failed` (QEMU's own words), `qmp-closed`, `deadline`, or the signal's reason.
   */
  async execute<K extends keyof QmpCommands>(
    command: K,
    args?: QmpCommands[K]['arguments'],
    options: QmpOptions = {},
  ): Promise<QmpCommands[K]['result']> {
    // The protocol's answer is trusted to have the documented shape: QEMU is the peer, not the guest.
    return (await this.#wire.request(command, args, options)) as QmpCommands[K]['result'];
  }

  /** Calls a listener for every event from now on; the returned function ends that. */
  onEvent(listener: (event: QmpEvent) => void): () => void {
    this.#wire.listeners.add(listener);
    return () => this.#wire.listeners.delete(listener);
  }

  /** The events from now on, until the connection ends. */
  events(): AsyncIterable<QmpEvent> {
    const queue = new AsyncQueue<QmpEvent>();
    this.onEvent((event) => queue.push(event));
    void this.closed.then(() => queue.end());
    return queue;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#wire.close('gvm closed the connection');
  }
}

/** The state of one connection. */
class Wire {
  readonly greeting = deferred<string>();
  readonly closed = deferred<string>();
  readonly listeners = new Set<(event: QmpEvent) => void>();
  readonly #stream: Duplex;
  readonly #lines = new LineSplitter(LONGEST_LINE);
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;
  #end: string | undefined;

  constructor(stream: Duplex) {
    this.#stream = stream;
    this.greeting.promise.catch(() => {});
    stream.on('data', (chunk: Buffer) => this.#receive(chunk));
    stream.on('error', (error) => this.close(error.message));
    stream.on('end', () => this.close('QEMU closed the connection'));
    stream.on('close', () => this.close('the connection was closed'));
  }

  request(command: string, args: unknown, options: QmpOptions): Promise<unknown> {
    if (this.#end !== undefined) return Promise.reject(this.#closedError(command));
    const id = ++this.#lastId;
    const answer = deferred<unknown>();
    this.#pending.set(id, { command, answer });
    this.#stream.write(`${JSON.stringify({ execute: command, id, ...(args ? { arguments: args } : {}) })}\n`);
    return this.bounded(answer.promise, `the answer to ${command}`, options).finally(() => this.#pending.delete(id));
  }

  /** A wait that ends at its deadline or with the signal. */
  async bounded<T>(wait: Promise<T>, what: string, { timeout = COMMAND_TIMEOUT, signal }: QmpOptions): Promise<T> {
    signal?.throwIfAborted();
    const stop = deferred<never>();
    const onAbort = () => stop.reject(signal?.reason);
    const timer = setTimeout(() => {
      const message = `QEMU's monitor did not send ${what} within ${timeout} ms`;
      stop.reject(new GvmError({ code: 'deadline', message, details: { what, timeout } }));
    }, timeout);
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      return await Promise.race([wait, stop.promise]);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    }
  }

  close(reason: string): void {
    if (this.#end !== undefined) return;
    this.#end = reason;
    this.greeting.reject(this.#closedError('its greeting'));
    for (const { command, answer } of this.#pending.values()) answer.reject(this.#closedError(command));
    this.closed.resolve(reason);
    this.#stream.destroy();
  }

  #receive(chunk: Buffer): void {
    if (this.#end !== undefined) return;
    const at = monotonic();
    let lines: string[];
    try {
      lines = this.#lines.push(chunk);
    } catch (error) {
      this.close(error instanceof Error ? error.message : String(error));
      return;
    }
    for (const line of lines) {
      if (line.trim() === '') continue;
      const message = parseMessage(line, at);
      if (message) this.#dispatch(message);
      else this.close(`a line is not of the protocol: ${clip(line, 200)}`);
    }
  }

  #dispatch(message: QmpMessage): void {
    switch (message.kind) {
      case 'greeting':
        this.greeting.resolve(message.version);
        return;
      case 'event':
        for (const listener of [...this.listeners]) listener(message.event);
        return;
      case 'return':
        this.#pending.get(message.id)?.answer.resolve(message.value);
        return;
      case 'error': {
        const pending = message.id === undefined ? undefined : this.#pending.get(message.id);
        const { description } = message;
        pending?.answer.reject(
          new GvmError({
            code: 'qmp-failed',
            message: `QEMU refused ${pending.command}: ${clip(description, 1000)}`,
            details: { command: pending.command, class: message.class, description: clip(description, 8000) },
          }),
        );
      }
    }
  }

  #closedError(command: string): GvmError {
    const message = `the connection to QEMU's monitor ended before ${command} was answered: ${this.#end}`;
    return new GvmError({ code: 'qmp-closed', message, details: { command } });
  }
}
