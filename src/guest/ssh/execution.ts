import type { Client, ClientChannel } from 'ssh2';
import { clip, deferred, formatDuration, monotonic, printable } from '../../core/index.ts';
import { GvmError } from '../../errors/index.ts';
import type { CommandResult, ExecOptions } from '../channel.ts';
import { Capture } from './capture.ts';
import { commandLine } from './command-line.ts';

const TIMEOUT = 60_000;
const LONGEST_TIMEOUT = 2 ** 31 - 1;
const MAX_OUTPUT = 2 ** 20;

type Exit = Pick<CommandResult, 'exitCode' | 'signal' | 'durationMs'>;

/**
 * One command on an open connection. It is over when its shell exits; what it printed is then awaited for `grace`
 * milliseconds. The session stays open as long as children of the command hold it: closing it would end them with the
 * next line that they print.
 */
export class Execution {
  readonly result: Promise<CommandResult>;
  /** Resolves when the guest has closed the session: later than the result where the command left children. */
  readonly closed: Promise<void>;
  readonly #result = deferred<CommandResult>();
  readonly #closed = deferred<void>();
  readonly #began = monotonic();
  readonly #options: ExecOptions;
  readonly #command: string;
  readonly #grace: number;
  readonly #stdout: Capture;
  readonly #stderr: Capture;
  #timers: NodeJS.Timeout[] = [];
  #session: ClientChannel | undefined;
  #exit: Exit | undefined;
  #settled = false;

  constructor(client: Client, command: string, options: ExecOptions, grace: number) {
    this.#options = options;
    this.#command = command;
    this.#grace = grace;
    this.#stdout = new Capture(options.maxOutput ?? MAX_OUTPUT, options.onStdout);
    this.#stderr = new Capture(options.maxOutput ?? MAX_OUTPUT, options.onStderr);
    this.result = this.#result.promise;
    this.closed = this.#closed.promise;
    const timeout = Math.min(options.timeout ?? TIMEOUT, LONGEST_TIMEOUT);
    this.#timers.push(setTimeout(() => this.fail(this.#late(timeout)), timeout));
    options.signal?.addEventListener('abort', this.#onAbort, { once: true });
    if (options.signal?.aborted) this.#onAbort();
    else client.exec(commandLine(command, options.env), (error, session) => this.#opened(error, session));
  }

  /** Ends the wait with an error; the session is closed. */
  fail(reason: unknown): void {
    this.#settle(() => this.#result.reject(reason));
    if (this.#session) this.#session.close();
    else this.#closed.resolve();
  }

  #onAbort = (): void => this.fail(this.#options.signal?.reason);

  #opened(error: Error | undefined, session: ClientChannel): void {
    if (error) {
      const message = `the guest opened no session for a command: ${error.message}`;
      this.fail(new GvmError({ code: 'channel-closed', message, cause: error }));
      return;
    }
    this.#session = session;
    session.on('error', () => {});
    session.on('data', (chunk: Buffer) => this.#stdout.push(chunk));
    session.stderr.on('data', (chunk: Buffer) => this.#stderr.push(chunk));
    session.on('exit', (exitCode: number | null, signal?: string) => {
      const durationMs = monotonic() - this.#began;
      this.#exit = { exitCode, signal: signal?.replace(/^SIG/, '') ?? null, durationMs };
      this.#timers.push(setTimeout(() => this.#finish(), this.#grace));
    });
    session.on('close', () => {
      this.#finish();
      this.#closed.resolve();
    });
    if (this.#settled) session.close();
  }

  #finish(): void {
    const exit = this.#exit;
    if (!exit) {
      const message = `the session ended before its command did: ${this.#shown()}`;
      this.#settle(() => this.#result.reject(new GvmError({ code: 'channel-closed', message })));
      return;
    }
    this.#settle(() => {
      const [stdout, stderr] = [this.#stdout.end(), this.#stderr.end()];
      const truncated = this.#stdout.truncated || this.#stderr.truncated;
      this.#result.resolve({ ...exit, stdout, stderr, truncated });
    });
  }

  #settle(act: () => void): void {
    if (this.#settled) return;
    this.#settled = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    act();
    this.#stdout.end();
    this.#stderr.end();
  }

  #late(timeout: number): GvmError {
    const said = (this.#stderr.end().toString('utf8') || this.#stdout.end().toString('utf8')).trim();
    const last = printable(said.split('\n').at(-1) ?? '');
    return new GvmError({
      code: 'deadline',
      message: `a command did not end within ${formatDuration(timeout)}: ${this.#shown()}${last ? `; it last said: ${clip(last, 200)}` : ''}`,
      details: { command: clip(this.#command, 2000), timeout, said: clip(said, 4000) },
    });
  }

  #shown(): string {
    return clip(printable(this.#command.trim().split('\n')[0] ?? ''), 120);
  }
}
