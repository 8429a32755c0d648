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
  /** Called with the output as it comes, kept or not. */
  onStdout?: (chunk: Buffer) => void;
  onStderr?: (chunk: Buffer) => void;
}

export interface ShellOptions {
  /** A command instead of the login shell. */
  command?: string;
  /** A terminal in the guest, with this size; without it plain streams. */
  terminal?: { columns: number; rows: number; type: string };
  signal?: AbortSignal;
}

/** An interactive session; the caller joins it to its own terminal and sets that to raw mode. */
export interface Shell extends AsyncDisposable {
  /** What the user types. */
  readonly stdin: NodeJS.WritableStream;
  readonly stdout: NodeJS.ReadableStream;
  readonly stderr: NodeJS.ReadableStream;
  resize(columns: number, rows: number): void;
  /** Resolves when the session has ended. @throws GvmError `channel-closed` */
  readonly ended: Promise<{ exitCode: number | null; signal: string | null }>;
}

/**
 * A way into a guest. A command runs under `/bin/sh -c` without input and is over when that shell exits; output that
 * has not come 200 ms (scaled) later is not waited for; children it left are not killed. (design §5)
 */
export interface Channel extends AsyncDisposable {
  readonly kind: 'ssh';
  /**
   * Runs a command; several may run at once.
   * @throws GvmError `deadline` (the wait has ended, the command perhaps not), `channel-closed`, `usage` (the command
   * is too long or holds a NUL); or the signal's reason.
   */
  exec(command: string, options?: ExecOptions): Promise<CommandResult>;
  /** @throws GvmError `channel-closed` */
  shell(options?: ShellOptions): Promise<Shell>;
  /** Resolves when the channel is of no more use, with the reason; to nothing when it was closed by its owner. */
  readonly closed: Promise<GvmError | undefined>;
}
