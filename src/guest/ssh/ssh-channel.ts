import type { Client } from 'ssh2';
import { deferred } from '../../core/index.ts';
import { GvmError } from '../../errors/index.ts';
import type {
  Channel,
  CommandResult,
  ExecOptions,
  RunningCommand,
  Shell,
  ShellOptions,
  StartOptions,
} from '../channel.ts';
import { GRACE } from '../exec-rules.ts';
import type { SshAddress } from './address.ts';
import { type Elevation, elevate } from './become.ts';
import { type Connection, type LoginOptions, login } from './connection.ts';
import { Execution } from './execution.ts';
import { openShell, startCommand } from './shell.ts';

const LOGIN_TIMEOUT = 20_000;
/** sshd allows ten sessions on one connection (MaxSessions); what commands leave behind counts. */
const MOST_SESSIONS = 8;

export interface OpenSshOptions {
  /** What deadlines are multiplied by. Default 1. */
  scale?: number;
  /** Milliseconds for connecting and logging in, before scaling. Default 20 s. */
  timeout?: number;
  signal?: AbortSignal;
}

/**
 * Opens a channel to a guest that is known to be ready.
 * @throws GvmError `login-refused`, `channel-closed`, `deadline`; or the signal's reason
 */
export async function openSsh(address: SshAddress, options: OpenSshOptions = {}): Promise<Channel> {
  const scale = options.scale ?? 1;
  const { channel } = await logIn({
    ...address,
    scale,
    timeout: (options.timeout ?? LOGIN_TIMEOUT) * scale,
    signal: options.signal,
  });
  return channel;
}

/** As `openSsh`, for who does not know the host key yet: it comes back, to be pinned. */
export async function logIn(options: LoginOptions): Promise<{ channel: Channel; hostKey: string }> {
  const connection = await login(options);
  const { socket: _, signal, ...again } = options;
  const elevation = await elevate(connection.client, options, signal).catch((error: unknown) => {
    connection.close();
    throw error;
  });
  const channel = new SshChannel(connection, { ...again, hostKey: connection.hostKey }, elevation);
  return { channel, hostKey: connection.hostKey };
}

/** One connection with many commands. Only where sessions are used up by what commands left behind is there another. */
class SshChannel implements Channel {
  readonly kind = 'ssh';
  readonly closed: Promise<GvmError | undefined>;
  readonly #closed = deferred<GvmError | undefined>();
  readonly #options: LoginOptions;
  readonly #elevation: Elevation;
  readonly #retired: Promise<Connection>[] = [];
  readonly #executions = new Set<Execution>();
  #connection: Promise<Connection>;
  #sessions = 0;
  #disposed = false;

  constructor(connection: Connection, options: LoginOptions, elevation: Elevation) {
    this.#options = options;
    this.#elevation = elevation;
    this.#connection = Promise.resolve(connection);
    this.closed = this.#closed.promise;
    this.#watch(connection);
  }

  async exec(command: string, options: ExecOptions = {}): Promise<CommandResult> {
    const connection = await this.#acquire(options.signal);
    const execution = new Execution(connection.client, command, options, {
      grace: GRACE * this.#options.scale,
      elevation: this.#elevation,
      kill: (shell) => void this.#kill(connection.client, shell),
    });
    this.#executions.add(execution);
    void execution.closed.then(() => this.#release(connection));
    try {
      return await execution.result;
    } finally {
      this.#executions.delete(execution);
    }
  }

  start(command: string, options: StartOptions = {}): Promise<RunningCommand> {
    return this.#open(options.signal, (client) => startCommand(client, command, options, this.#elevation));
  }

  shell(options: ShellOptions = {}): Promise<Shell> {
    return this.#open(options.signal, (client) => openShell(client, options));
  }

  /** A session has a process group of its own, so what made itself another one lives on. */
  async #kill(client: Client, shell: number): Promise<void> {
    try {
      await using command = await startCommand(
        client,
        `kill -s KILL -- -${shell} || kill -s KILL ${shell}`,
        {},
        this.#elevation,
      );
      command.stdin.end();
      command.stdout.resume();
      command.stderr.resume();
      await command.ended;
    } catch {
      // The connection has gone, and who waited for the command knows it.
    }
  }

  async #open<T extends RunningCommand>(
    signal: AbortSignal | undefined,
    open: (client: Client) => Promise<T>,
  ): Promise<T> {
    const connection = await this.#acquire(signal);
    try {
      const session = await open(connection.client);
      void session.ended.catch(() => {}).then(() => this.#release(connection));
      return session;
    } catch (error) {
      await this.#release(connection);
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    this.#closed.resolve(undefined);
    this.#fail(new GvmError({ code: 'channel-closed', message: 'the channel was closed while a command ran' }));
    const open = await Promise.allSettled([...this.#retired, this.#connection]);
    for (const connection of open) if (connection.status === 'fulfilled') connection.value.close();
  }

  /** A connection with room for one more session. */
  async #acquire(signal: AbortSignal | undefined): Promise<Connection> {
    signal?.throwIfAborted();
    if (this.#disposed) throw new GvmError({ code: 'channel-closed', message: 'the channel is closed' });
    if (this.#sessions >= MOST_SESSIONS) this.#replace(signal);
    this.#sessions++;
    const connection = await this.#connection;
    if (connection.end === undefined) return connection;
    throw this.#broken(connection.end);
  }

  /** Opens another connection; the one before stays open for what still runs on it. */
  #replace(signal: AbortSignal | undefined): void {
    const before = this.#connection;
    this.#sessions = 0;
    this.#connection = login({ ...this.#options, signal }).then(
      (connection) => {
        this.#retired.push(before);
        return this.#watch(connection);
      },
      (error: unknown) => {
        this.#connection = before;
        this.#sessions = MOST_SESSIONS;
        throw error;
      },
    );
  }

  async #release(connection: Connection): Promise<void> {
    if ((await this.#connection.catch(() => undefined)) === connection) this.#sessions--;
  }

  #watch(connection: Connection): Connection {
    void connection.ended.then(async (reason) => {
      if (this.#disposed || (await this.#connection.catch(() => undefined)) !== connection) return;
      const error = this.#broken(reason);
      this.#closed.resolve(error);
      this.#fail(error);
    });
    return connection;
  }

  #fail(error: GvmError): void {
    for (const execution of this.#executions) execution.fail(error);
  }

  #broken(reason: string): GvmError {
    const { user, host, port } = this.#options;
    return new GvmError({
      code: 'channel-closed',
      message: `the connection into the guest broke (${user}@${host}:${port}): ${reason}`,
    });
  }
}
