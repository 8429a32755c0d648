import { clip, printable } from '../core/index.ts';
import { GvmError } from '../errors/index.ts';

export interface RunOptions {
  cwd?: string;
  env?: Record<string, string>;
  /** Bytes or text given on standard input; without it there is no input. */
  input?: string | Uint8Array;
  /** Milliseconds after which the tool is ended. Default 60 s. */
  timeout?: number;
  signal?: AbortSignal;
  /** Exit codes that are no error. Default `[0]`. */
  accept?: readonly number[];
  /** Largest output kept, in bytes, per stream. Default 16 MiB. */
  maxOutput?: number;
  /** Called with each line of standard error as it comes. */
  onLine?: (line: string) => void;
}

export interface RunResult {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/**
 * Runs a host tool to its end, without a shell and without a terminal.
 * @throws GvmError `tool-missing` (not installed), `tool-failed` (exit code, signal, timeout; with the end of its
 * standard error), or the signal's reason when aborted.
 */
export async function run(tool: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  // Many commands run no tool to its end, and execa is a hundred modules.
  const { execa } = await import('execa');
  const child = execa(tool, args, {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: options.env }),
    ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
    ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
    timeout: options.timeout ?? 60_000,
    maxBuffer: options.maxOutput ?? 16 * 2 ** 20,
    forceKillAfterDelay: 2000,
    reject: false,
    stripFinalNewline: false,
  });
  if (options.onLine) {
    const { onLine } = options;
    void (async () => {
      for await (const line of child.iterable({ from: 'stderr' })) onLine(String(line));
    })().catch(() => {});
  }
  const result = await child;
  if (result.isCanceled) throw options.signal?.reason;
  if (result.code === 'ENOENT') {
    throw new GvmError({
      code: 'tool-missing',
      message: `${tool} is not installed (not found in PATH)`,
      hint: 'gvm doctor lists the packages that gvm needs',
    });
  }
  const accepted = options.accept ?? [0];
  if (result.exitCode === undefined || !accepted.includes(result.exitCode)) {
    const how = result.timedOut
      ? `did not end within ${options.timeout ?? 60_000} ms`
      : result.exitCode === undefined
        ? `was ended by ${result.signal ?? result.code ?? 'an unknown cause'}`
        : `ended with exit code ${result.exitCode}`;
    const said = clip(printable(result.stderr.trim().split('\n').slice(-5).join('\n')), 2000);
    throw new GvmError({
      code: 'tool-failed',
      message: `${tool} ${how}${said ? `: ${said}` : ''}`,
      details: { tool, args: [...args], exitCode: result.exitCode, stderr: clip(result.stderr, 8000) },
    });
  }
  return { exitCode: result.exitCode, stdout: result.stdout, stderr: result.stderr };
}
