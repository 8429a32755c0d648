import type { Client, ClientChannel } from 'ssh2';
import { deferred } from '../../core/index.ts';
import { GvmError } from '../../errors/index.ts';
import type { Shell, ShellOptions } from '../channel.ts';

type Ended = Awaited<Shell['ended']>;

/** Opens a login shell or a command with its streams left to the caller. @throws GvmError `channel-closed` */
export async function openShell(client: Client, options: ShellOptions): Promise<Shell> {
  options.signal?.throwIfAborted();
  const { terminal, command } = options;
  const pty = terminal ? { cols: terminal.columns, rows: terminal.rows, term: terminal.type } : undefined;
  const session = await new Promise<ClientChannel>((resolve, reject) => {
    const opened = (error: Error | undefined, channel: ClientChannel) => {
      if (!error) return resolve(channel);
      const message = `the guest opened no session: ${error.message}`;
      reject(new GvmError({ code: 'channel-closed', message, cause: error }));
    };
    if (command === undefined) client.shell(pty ?? false, opened);
    else client.exec(command, pty ? { pty } : {}, opened);
  });
  return new SshShell(session, options.signal);
}

class SshShell implements Shell {
  readonly stdin: NodeJS.WritableStream;
  readonly stdout: NodeJS.ReadableStream;
  readonly stderr: NodeJS.ReadableStream;
  readonly ended: Promise<Ended>;
  readonly #session: ClientChannel;

  constructor(session: ClientChannel, signal: AbortSignal | undefined) {
    this.#session = session;
    this.stdin = session;
    this.stdout = session;
    this.stderr = session.stderr;
    const ended = deferred<Ended>();
    this.ended = ended.promise;
    let exit: Ended | undefined;
    const onAbort = () => session.close();
    signal?.addEventListener('abort', onAbort, { once: true });
    session.on('error', () => {});
    session.on('exit', (exitCode: number | null, name?: string) => {
      exit = { exitCode, signal: name?.replace(/^SIG/, '') ?? null };
    });
    session.on('close', () => {
      signal?.removeEventListener('abort', onAbort);
      if (exit) ended.resolve(exit);
      else ended.reject(new GvmError({ code: 'channel-closed', message: 'the session broke off' }));
    });
    ended.promise.catch(() => {});
  }

  resize(columns: number, rows: number): void {
    this.#session.setWindow(rows, columns, 0, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#session.close();
    await this.ended.catch(() => {});
  }
}
