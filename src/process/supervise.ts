import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { Duplex, type Readable } from 'node:stream';
import { isMainThread } from 'node:worker_threads';
import { type Log, monotonic } from '../core/index.ts';
import { GvmError } from '../errors/index.ts';
import { type Account, accountArguments } from './account.ts';
import { recordChild } from './record.ts';
import { OutputTail } from './tail.ts';
import { requireTool } from './tool.ts';

/** A file that gvm opens and the child receives under a descriptor number. */
export interface ChildFile {
  fd: number;
  path: string;
  /** open(2) flags, as `node:fs` takes them: `r`, `r+`, `a` or a number. */
  flags: string | number;
}

export interface SuperviseOptions {
  tool: string;
  argv: readonly string[];
  /** Descriptors from 3 upward, without a gap when joined with `sockets`. */
  files?: readonly ChildFile[];
  /** Connected UNIX stream sockets: the child has the descriptor, gvm the other end. No file stands for them. */
  sockets?: readonly { fd: number; name: string }[];
  /** The account that the child takes on; undefined keeps gvm's own. */
  account?: Account | undefined;
  env?: Record<string, string>;
  /** Working directory. Default `/`. */
  cwd?: string;
  log: Log;
  /** Folder for a record by which the next gvm finds the child, should this one be killed. */
  recordDir?: string | undefined;
}

export interface ChildExit {
  code: number | null;
  signal: string | null;
  /** End of the child's standard error. */
  stderr: string;
  /** Monotonic milliseconds at which it ended. */
  at: number;
}

export interface SupervisedChild extends AsyncDisposable {
  readonly pid: number;
  /** gvm's end of a socket. */
  socket(name: string): Duplex;
  /** Resolves when the child has ended; it never rejects. */
  readonly exited: Promise<ChildExit>;
  /** Resolves, to nothing, when the child's standard error matches; never when it does not. */
  said(pattern: RegExp): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

// A parent that died before the death signal was set would never send one: then the child has another parent.
// A core file would hold the guest's memory.
const GUARD = 'test "$PPID" = "$0" || exit 1; ulimit -c 0; exec "$@"';

/** The command that runs a tool without new privileges, under an account, and never longer than gvm lives. */
export function supervisedCommand(tool: string, argv: readonly string[], account: Account | undefined): string[] {
  const privileges = ['--pdeathsig', 'KILL', '--no-new-privs', ...accountArguments(account)];
  const guard = ['/bin/sh', '-c', GUARD, String(process.pid)];
  return [requireTool('setpriv'), ...privileges, '--', ...guard, requireTool(tool), ...argv];
}

/**
 * Starts a long-lived child that ends with gvm, however gvm ends (prctl(2) PR_SET_PDEATHSIG). The death signal belongs
 * to the parent's *thread*, so this must be called on the main thread.
 * @throws GvmError `tool-missing`, `host-resource`; a file that cannot be opened throws its system error.
 */
export async function spawnSupervised(options: SuperviseOptions): Promise<SupervisedChild> {
  if (!isMainThread) {
    throw new GvmError({ code: 'internal', message: `${options.tool} was started on a worker thread` });
  }
  const [command, ...args] = supervisedCommand(options.tool, options.argv, options.account);
  const opened: number[] = [];
  try {
    const stdio: (number | 'ignore' | 'pipe')[] = ['ignore', 'ignore', 'pipe'];
    for (const socket of options.sockets ?? []) stdio[socket.fd] = 'pipe';
    for (const file of options.files ?? []) {
      const fd = openSync(file.path, file.flags);
      opened.push(fd);
      stdio[file.fd] = fd;
    }
    const env = options.env ?? { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C.UTF-8' };
    const spawnOptions: SpawnOptions = {
      stdio: Array.from(stdio, (entry) => entry ?? 'ignore'),
      cwd: options.cwd ?? '/',
      env,
      // In a session of its own: Ctrl-C on the terminal is for gvm, which ends its guests in their order.
      detached: true,
    };
    const child = spawn(command ?? '', args, spawnOptions);
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    }).catch((error) => {
      throw startFailure(options.tool, error);
    });
    options.log.detail(`started ${options.tool} as process ${child.pid}`);
    return new Child(child, options);
  } finally {
    for (const fd of opened) closeSync(fd);
  }
}

class Child implements SupervisedChild {
  readonly pid: number;
  readonly exited: Promise<ChildExit>;
  #child: ChildProcess;
  #sockets = new Map<string, Duplex>();
  #stderr: OutputTail;

  constructor(child: ChildProcess, options: SuperviseOptions) {
    this.#child = child;
    this.pid = child.pid ?? -1;
    for (const { fd, name } of options.sockets ?? []) {
      const socket = child.stdio[fd];
      if (!(socket instanceof Duplex)) throw new GvmError({ code: 'internal', message: `no socket on ${fd}` });
      // A child that is killed resets its sockets; whoever waits learns of the end through `exited`.
      socket.on('error', () => {});
      this.#sockets.set(name, socket);
    }
    const forget = options.recordDir ? recordChild(options.recordDir, options.tool, this.pid) : () => {};
    const tail = new OutputTail(child.stderr as Readable);
    this.#stderr = tail;
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        const at = monotonic();
        forget();
        void tail.ended.then(() => resolve({ code, signal, stderr: tail.text(), at }));
      });
    });
  }

  socket(name: string): Duplex {
    const socket = this.#sockets.get(name);
    if (!socket) throw new GvmError({ code: 'internal', message: `process ${this.pid} has no socket ${name}` });
    return socket;
  }

  said(pattern: RegExp): Promise<void> {
    return this.#stderr.matched(pattern);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill('SIGKILL');
    await this.exited;
    for (const socket of this.#sockets.values()) socket.destroy();
  }
}

function startFailure(tool: string, cause: NodeJS.ErrnoException): GvmError {
  return new GvmError({ code: 'host-resource', message: `${tool} could not be started: ${cause.message}`, cause });
}
