import { createConnection, type Socket } from 'node:net';
import { PassThrough, Writable } from 'node:stream';
import { deferred, drained } from '../../core/index.ts';
import { catalogue, type ErrorCode, GvmError } from '../../errors/index.ts';
import { Capture } from '../capture.ts';
import type { Channel, CommandResult, ExecOptions, RunningCommand, Shell, StartOptions } from '../channel.ts';
import { MAX_OUTPUT, timeoutOf } from '../exec-rules.ts';
import { kinds, type Request, receive, send } from './frames.ts';

/** What a served command comes to: of `start` the exit alone. */
type Result = Pick<CommandResult, 'exitCode' | 'signal' | 'truncated' | 'durationMs'>;

/**
 * A channel that another process serves at a socket. It holds nothing open between commands.
 * @param kind that of the served channel
 */
export function servedChannel(path: string, guest: string, kind: Channel['kind']): Channel {
  return new ServedChannel(path, guest, kind);
}

class ServedChannel implements Channel {
  readonly kind: Channel['kind'];
  readonly closed: Promise<GvmError | undefined>;
  readonly #closed = deferred<GvmError | undefined>();
  readonly #path: string;
  readonly #guest: string;

  constructor(path: string, guest: string, kind: Channel['kind']) {
    this.#path = path;
    this.#guest = guest;
    this.kind = kind;
    this.closed = this.#closed.promise;
  }

  async exec(command: string, options: ExecOptions = {}): Promise<CommandResult> {
    const limit = options.maxOutput ?? MAX_OUTPUT;
    const stdout = new Capture(limit, options.onStdout);
    const stderr = new Capture(limit, options.onStderr);
    const listens = options.onStdout !== undefined || options.onStderr !== undefined;
    const maxOutput = listens ? Number.MAX_SAFE_INTEGER : limit;
    const { direct = false } = options;
    const request = { ...this.#request('exec', command, options), timeout: timeoutOf(options), maxOutput, direct };
    const call = await this.#call(request, options.signal);
    const outputs = { stdout: (bytes: Buffer) => stdout.push(bytes), stderr: (bytes: Buffer) => stderr.push(bytes) };
    const result = await call.result(async (name, bytes) => outputs[name](bytes));
    const truncated = result.truncated || stdout.truncated || stderr.truncated;
    return { ...result, truncated, stdout: stdout.end(), stderr: stderr.end() };
  }

  async start(command: string, options: StartOptions = {}): Promise<RunningCommand> {
    const call = await this.#call(this.#request('start', command, options), options.signal);
    const streams = { stdout: new PassThrough(), stderr: new PassThrough() };
    const stdin = new Writable({
      write: (chunk: Buffer, _encoding, done) => void send(call.socket, kinds.input, chunk).then(() => done()),
      final: (done) => void send(call.socket, kinds.inputEnd).then(() => done()),
    });
    for (const stream of [stdin, streams.stdout, streams.stderr]) stream.on('error', () => {});
    const ended = call
      .result(async (name, bytes) => {
        const stream = streams[name];
        if (stream.destroyed || stream.write(bytes)) return;
        await drained(stream);
      })
      .then(
        (exit) => {
          if (!stdin.writableFinished) stdin.destroy(new Error('the command ended before its input did'));
          streams.stdout.end();
          streams.stderr.end();
          return exit;
        },
        (error: unknown) => {
          for (const stream of [stdin, streams.stdout, streams.stderr]) stream.destroy(error as Error);
          throw error;
        },
      );
    ended.catch(() => {});
    return {
      ...{ stdin, ...streams, ended },
      async [Symbol.asyncDispose]() {
        call.socket.destroy();
        streams.stdout.resume();
        streams.stderr.resume();
        await ended.catch(() => {});
      },
    };
  }

  async shell(): Promise<Shell> {
    throw new GvmError({ code: 'usage', message: 'a served channel has commands, and no terminal' });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.resolve(undefined);
  }

  #request(kind: Request['kind'], command: string, { env = {} }: StartOptions): Request {
    return { guest: this.#guest, channel: this.kind, kind, command, env: { ...env } };
  }

  async #call(request: Request, signal: AbortSignal | undefined): Promise<Call> {
    signal?.throwIfAborted();
    const socket = createConnection(this.#path);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', (cause) => reject(gone(this.#path, cause)));
    });
    socket.on('error', () => {});
    await send(socket, kinds.request, JSON.stringify(request));
    return new Call(socket, this.#path, signal);
  }
}

/** One connection, from its request to its result. */
class Call {
  readonly socket: Socket;
  readonly #path: string;
  readonly #signal: AbortSignal | undefined;

  constructor(socket: Socket, path: string, signal: AbortSignal | undefined) {
    this.socket = socket;
    this.#path = path;
    this.#signal = signal;
  }

  async result(take: (name: 'stdout' | 'stderr', bytes: Buffer) => Promise<void>): Promise<Result> {
    const signal = this.#signal;
    const onAbort = () => this.socket.destroy();
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted) onAbort();
    try {
      for await (const { kind, payload } of receive(this.socket)) {
        if (kind === kinds.stdout) await take('stdout', payload);
        if (kind === kinds.stderr) await take('stderr', payload);
        if (kind === kinds.result) return JSON.parse(payload.toString('utf8')) as Result;
        if (kind === kinds.failure) throw revived(payload);
      }
      throw gone(this.#path);
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof Error && 'syscall' in error) throw gone(this.#path, error);
      throw error;
    } finally {
      signal?.removeEventListener('abort', onAbort);
      this.socket.destroy();
    }
  }
}

function revived(payload: Buffer): GvmError {
  const { code, message, hint, details } = JSON.parse(payload.toString('utf8'));
  return new GvmError({ code: code in catalogue ? (code as ErrorCode) : 'internal', message, hint, details });
}

function gone(path: string, cause?: unknown): GvmError {
  return new GvmError({ code: 'channel-closed', message: `the owner of the guests at ${path} has gone`, cause });
}
