import type { Readable, Writable } from 'node:stream';
import type { GvmError } from '../errors/index.ts';

/** What a command in the guest came to. */
export interface CommandResult {
  /** Null where a signal ended it. */
  exitCode: number | null;
  /** The signal's name without `SIG`. */
  signal: string | null;
  stdout: Buffer;
  stderr: Buffer;
  /** More was printed than `maxOutput`; the rest was thrown away. */
  truncated: boolean;
  /** From the request to the end of the command, on the host's clock. */
  durationMs: number;
}

export interface ExecOptions {
  /** Milliseconds, already scaled. Default 60 s. */
  timeout?: number;
  /** Variables of the command. */
  env?: Readonly<Record<string, string>>;
  signal?: AbortSignal;
  /** Bytes kept of each stream. Default 1 MiB. */
  maxOutput?: number;
  /** It leaves no process behind that has its output, so that nothing need stand between it and the host. */
  direct?: boolean;
  /** Called with the output as it comes, kept or not. */
  onStdout?: (chunk: Buffer) => void;
  onStderr?: (chunk: Buffer) => void;
}

export type StartOptions = Pick<ExecOptions, 'env' | 'signal'>;

/**
 * A running command whose streams are the caller's. Both outputs must be read (or resumed): the command waits for who
 * reads them, and `ended` comes after their end. Disposing of it ends its shell.
 */
export interface RunningCommand extends AsyncDisposable {
  /** The command's input; `end()` is its end of file. */
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves when the command has ended. @throws GvmError `channel-closed`; or the signal's reason */
  readonly ended: Promise<Pick<CommandResult, 'exitCode' | 'signal'>>;
}

export interface ShellOptions {
  /** A terminal in the guest, with this size; without it plain streams. */
  terminal?: { columns: number; rows: number; type: string };
  signal?: AbortSignal;
}

/** An interactive session; the caller joins it to its own terminal and sets that to raw mode. */
export interface Shell extends RunningCommand {
  resize(columns: number, rows: number): void;
}

/**
 * A way into a guest. A command runs under `/bin/sh -c` without input and is over when that shell exits; output that
 * has not come 200 ms (scaled) later is not waited for; children it left are not killed. (design §5) A command that is
 * late, or not wanted any more, is killed: its shell and what that waits for, its process group; what has made itself
 * a session of its own lives on.
 */
export interface Channel extends AsyncDisposable {
  readonly kind: 'ssh' | 'console';
  /**
   * Runs a command. Over SSH several run at once; on the console channel each waits for its turn, and its deadline
   * counts from its start.
   * @throws GvmError `deadline`, `channel-closed`, `usage` (the command
   * is too long or holds a NUL); or the signal's reason.
   */
  exec(command: string, options?: ExecOptions): Promise<CommandResult>;
  /**
   * Starts a command that has an input, under `/bin/sh -c` as `exec` does. It has no deadline but the signal.
   * @throws GvmError `channel-closed`, `usage` as for `exec`; or the signal's reason
   */
  start(command: string, options?: StartOptions): Promise<RunningCommand>;
  /** The login shell. @throws GvmError `channel-closed` */
  shell(options?: ShellOptions): Promise<Shell>;
  /** Resolves when the channel is of no more use, with the reason; to nothing when it was closed by its owner. */
  readonly closed: Promise<GvmError | undefined>;
}
