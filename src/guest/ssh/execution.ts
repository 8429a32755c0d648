import type { Client, ClientChannel } from 'ssh2';
import { deferred, monotonic } from '../../core/index.ts';
import { GvmError } from '../../errors/index.ts';
import { Capture } from '../capture.ts';
import type { CommandResult, ExecOptions } from '../channel.ts';
import { deadlinePassed, MAX_OUTPUT, shownCommand, timeoutOf } from '../exec-rules.ts';
import type { Elevation } from './become.ts';
import { commandLine } from './command-line.ts';
import { ShellNumber } from './shell-number.ts';

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
  readonly #shell = new ShellNumber();
  readonly #kill: (shell: number) => void;
  #timers: NodeJS.Timeout[] = [];
  #session: ClientChannel | undefined;
  #exit: Exit | undefined;
  #settled = false;

  /**
   * @param elevation how the command becomes root's
   * @param kill ends a shell of the guest by its number, with what it waits for
   */
  constructor(
    client: Client,
    command: string,
    options: ExecOptions,
    { grace, elevation, kill }: { grace: number; elevation: Elevation; kill: (shell: number) => void },
  ) {
    const { prefix, secret } = elevation;
    this.#kill = kill;
    this.#options = options;
    this.#command = command;
    this.#grace = grace;
    this.#stdout = new Capture(options.maxOutput ?? MAX_OUTPUT, options.onStdout);
    this.#stderr = new Capture(options.maxOutput ?? MAX_OUTPUT, options.onStderr);
    this.result = this.#result.promise;
    this.closed = this.#closed.promise;
    const timeout = timeoutOf(options);
    const late = () => this.fail(deadlinePassed(command, timeout, this.#stdout.end(), this.#stderr.end()));
    this.#timers.push(setTimeout(late, timeout));
    options.signal?.addEventListener('abort', this.#onAbort, { once: true });
    if (options.signal?.aborted) this.#onAbort();
    else {
      try {
        client.exec(commandLine(command, options.env, { prefix, first: this.#shell.words }), (error, session) => {
          if (secret !== undefined) session?.write(secret);
          this.#opened(error, session);
        });
      } catch (error) {
        this.fail(error);
      }
    }
  }

  /** Ends the wait with an error, and the command with it. */
  fail(reason: unknown): void {
    this.#settle(() => this.#result.reject(reason));
    if (this.#session) this.#end(this.#session);
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
    session.stderr.on('data', (chunk: Buffer) => {
      const own = this.#shell.push(chunk);
      if (own) this.#stderr.push(own);
    });
    session.on('exit', (exitCode: number | null, signal?: string) => {
      const durationMs = monotonic() - this.#began;
      this.#exit = { exitCode, signal: signal?.replace(/^SIG/, '') ?? null, durationMs };
      this.#timers.push(setTimeout(() => this.#finish(), this.#grace));
    });
    session.on('close', () => {
      this.#finish();
      this.#closed.resolve();
    });
    if (this.#settled) this.#end(session);
  }

  #end(session: ClientChannel): void {
    const { value } = this.#shell;
    if (!this.#exit && value !== undefined) this.#kill(value);
    session.close();
  }

  #finish(): void {
    const exit = this.#exit;
    if (!exit) {
      const message = `the session ended before its command did: ${shownCommand(this.#command)}`;
      this.#settle(() => this.#result.reject(new GvmError({ code: 'channel-closed', message })));
      return;
    }
    this.#settle(() => {
      this.#stderr.push(this.#shell.rest());
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
}
