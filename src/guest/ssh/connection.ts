import type { Socket } from 'node:net';
import type { Client, ConnectConfig } from 'ssh2';
import ssh2 from 'ssh2';
import { type Deferred, deferred } from '../../core/index.ts';
import { GvmError } from '../../errors/index.ts';
import type { SshLogin } from './address.ts';
import { algorithms } from './algorithms.ts';
import { credentials, proofOf } from './credentials.ts';
import { formatHostKey } from './key.ts';

export interface LoginOptions extends SshLogin {
  host: string;
  port: number;
  /** The pinned host key; without it the first key seen is the one that `hostKey` tells. */
  hostKey?: string | undefined;
  /** A connection that has already brought the server's greeting. */
  socket?: Socket;
  /** Milliseconds for the handshake and the login, already scaled. */
  timeout: number;
  /** What deadlines are multiplied by. */
  scale: number;
  signal?: AbortSignal | undefined;
}

const KEEPALIVE = 10_000;
const MISSED_KEEPALIVES = 3;

/** One authenticated SSH connection. */
export interface Connection {
  readonly client: Client;
  readonly hostKey: string;
  /** Resolves with the reason when it has ended. */
  readonly ended: Promise<string>;
  /** The reason once it has ended. */
  readonly end: string | undefined;
  close(): void;
}

/**
 * Logs in.
 * @throws GvmError `login-refused` (the key, or another host key than the pinned one), `channel-closed` (no SSH
 * server, or it went away), `deadline`; or the signal's reason.
 */
export async function login(options: LoginOptions): Promise<Connection> {
  options.signal?.throwIfAborted();
  const client = new ssh2.Client();
  const state: { hostKey: string; mismatch?: string; end?: string } = { hostKey: '' };
  const ready = deferred<void>();
  const ended = deferred<string>();
  const finish = (reason: string) => {
    state.end ??= reason;
    ended.resolve(state.end);
  };
  client.on('ready', () => ready.resolve());
  client.on('error', (error) => {
    ready.reject(loginFailure(error, options, state.mismatch));
    finish(error.message);
  });
  client.on('close', () => {
    finish('the guest closed the connection');
    ready.reject(closedEarly(options));
  });
  const onAbort = () => ready.reject(options.signal?.reason);
  options.signal?.addEventListener('abort', onAbort, { once: true });
  const proof = credentials(options);
  // PAM asks for a password in a dialogue.
  client.on('keyboard-interactive', (_name, _text, _language, prompts, answer) =>
    answer(prompts.map(() => proof.password ?? '')),
  );
  client.connect({ ...configure(options, state), ...proof });
  try {
    await ready.promise;
  } catch (error) {
    client.destroy();
    options.socket?.destroy();
    throw error;
  } finally {
    options.signal?.removeEventListener('abort', onAbort);
  }
  return new Open(client, state, ended);
}

class Open implements Connection {
  readonly client: Client;
  readonly hostKey: string;
  readonly ended: Promise<string>;
  readonly #state: { end?: string };

  constructor(client: Client, state: { hostKey: string; end?: string }, ended: Deferred<string>) {
    this.client = client;
    this.hostKey = state.hostKey;
    this.ended = ended.promise;
    this.#state = state;
  }

  get end(): string | undefined {
    return this.#state.end;
  }

  close(): void {
    this.client.end();
    this.client.destroy();
  }
}

function configure(options: LoginOptions, state: { hostKey: string; mismatch?: string }): ConnectConfig {
  const { host, port, user: username, hostKey: pinned, socket, timeout, scale } = options;
  return {
    ...(socket ? { sock: socket } : { host, port }),
    username,
    algorithms,
    readyTimeout: timeout,
    keepaliveInterval: KEEPALIVE * scale,
    keepaliveCountMax: MISSED_KEEPALIVES,
    hostVerifier: (blob: Buffer) => {
      const key = formatHostKey(blob);
      state.hostKey = key;
      if (pinned === undefined || pinned === key) return true;
      state.mismatch = key;
      return false;
    },
  };
}

function loginFailure(
  error: Error & { level?: string },
  options: LoginOptions,
  mismatch: string | undefined,
): GvmError {
  const where = `${options.user}@${options.host}:${options.port}`;
  if (mismatch !== undefined) {
    return new GvmError({
      code: 'login-refused',
      message: `${where} has another host key than the one pinned at its first boot: ${mismatch}, expected ${options.hostKey}`,
      hint: 'the guest made new host keys, or another machine answers at its port',
      cause: error,
    });
  }
  if (error.level === 'client-authentication') {
    return new GvmError({
      code: 'login-refused',
      message: `the guest refused ${proofOf(options)} for user ${options.user} (at ${options.host}:${options.port})`,
      hint: 'does the image read a NoCloud seed (label CIDATA), and may this user log in with a key?',
      cause: error,
    });
  }
  if (error.level === 'client-timeout') {
    const message = `${where} sent a greeting but did not finish the login within ${options.timeout} ms`;
    return new GvmError({ code: 'deadline', message, cause: error });
  }
  return new GvmError({ code: 'channel-closed', message: `no login at ${where}: ${error.message}`, cause: error });
}

function closedEarly({ user, host, port }: LoginOptions): GvmError {
  return new GvmError({
    code: 'channel-closed',
    message: `${user}@${host}:${port} closed the connection at the login`,
  });
}
