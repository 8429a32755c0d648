import { PassThrough, Writable } from 'node:stream';
import type { Client, ClientChannel } from 'ssh2';
import { deferred, within } from '../../core/index.ts';
import { GvmError } from '../../errors/index.ts';
import type { RunningCommand, Shell, ShellOptions, StartOptions } from '../channel.ts';
import type { Elevation } from './become.ts';
import { commandLine } from './command-line.ts';

/** How long a session that was told to close is waited for, in milliseconds. */
const FAREWELL = 2000;

type Ended = Awaited<Shell['ended']>;

/** Opens a login shell with its streams left to the caller. @throws GvmError `channel-closed` */
export async function openShell(client: Client, { terminal, signal }: ShellOptions): Promise<Shell> {
  const pty = terminal ? { cols: terminal.columns, rows: terminal.rows, term: terminal.type } : false;
  return await openSession(signal, (opened) => client.shell(pty, opened));
}

/** Starts a command with its streams left to the caller. @throws GvmError `channel-closed`, `usage` */
export async function startCommand(
  client: Client,
  command: string,
  options: StartOptions,
  { prefix, secret }: Elevation,
): Promise<RunningCommand> {
  const line = commandLine(command, options.env, { input: true, prefix });
  const session = await openSession(options.signal, (opened) => client.exec(line, opened));
  if (secret !== undefined) session.stdin.write(secret);
  return session;
}

type Opened = (error: Error | undefined, session: ClientChannel) => void;

async function openSession(signal: AbortSignal | undefined, open: (opened: Opened) => void): Promise<SshShell> {
  signal?.throwIfAborted();
  return await new Promise<SshShell>((resolve, reject) => {
    open((error, session) => {
      // Listened to at once: a quick command's end comes in the same packet.
      if (!error) return resolve(new SshShell(session, signal));
      const message = `the guest opened no session: ${error.message}`;
      reject(new GvmError({ code: 'channel-closed', message, cause: error }));
    });
  });
}

class SshShell implements Shell {
  readonly stdin: Writable;
  readonly stdout = new PassThrough();
  readonly stderr = new PassThrough();
  readonly ended: Promise<Ended>;
  readonly #session: ClientChannel;
  #over = false;

  constructor(session: ClientChannel, signal: AbortSignal | undefined) {
    this.#session = session;
    // ssh2 has one stream for input and output, and closes the session when a reader is done with it.
    session.pipe(this.stdout);
    session.stderr.pipe(this.stderr);
    this.stdin = new Writable({
      write: (chunk, _encoding, done) => void session.write(chunk, done),
      final: (done) => {
        session.end();
        done();
      },
    });
    this.stdin.on('error', () => {});
    const ended = deferred<Ended>();
    this.ended = ended.promise;
    let exit: Ended | undefined;
    const onAbort = () => {
      ended.reject(signal?.reason);
      this.#end();
    };
    // It may have come while the session was being opened.
    if (signal?.aborted) onAbort();
    else signal?.addEventListener('abort', onAbort, { once: true });
    session.on('error', () => {});
    session.on('exit', (exitCode: number | null, name?: string) => {
      exit = { exitCode, signal: name?.replace(/^SIG/, '') ?? null };
    });
    session.on('close', () => {
      this.#over = true;
      signal?.removeEventListener('abort', onAbort);
      const broken = new GvmError({ code: 'channel-closed', message: 'the session broke off' });
      const early = exit ? new Error('the command ended before its input did') : broken;
      if (!this.stdin.writableFinished) this.stdin.destroy(early);
      if (exit) ended.resolve(exit);
      else ended.reject(broken);
    });
    ended.promise.catch(() => {});
  }

  resize(columns: number, rows: number): void {
    this.#session.setWindow(rows, columns, 0, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end();
    await within(
      this.ended.catch(() => {}),
      FAREWELL,
    );
  }

  #end(): void {
    if (this.#over) return;
    this.#session.signal('KILL');
    this.stdout.resume();
    this.stderr.resume();
    this.#session.close();
  }
}
