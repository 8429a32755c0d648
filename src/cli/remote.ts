import { constants } from 'node:os';
import { parseDuration, shellQuote } from '../core/index.ts';
import { GvmError } from '../errors/index.ts';
import type { Channel } from '../guest/index.ts';
import type { Context } from './command.ts';

const DEFAULT_TIMEOUT = 600_000;

/** The words after `--` as one command: a single word is shell text, several are quoted each. */
function commandOf([first = '', ...more]: readonly string[]): string {
  return more.length === 0 ? first : [first, ...more].map(shellQuote).join(' ');
}

/**
 * Runs the command after `--` in a guest, its output passed on as it comes (under `--json` collected).
 * @returns its exit code, or 128 + the number of the signal that ended it
 */
export async function runCommand(
  context: Context,
  channel: Channel,
  scale: number,
  signal?: AbortSignal,
): Promise<number> {
  const text = context.text('timeout');
  const timeout = text === undefined ? DEFAULT_TIMEOUT : parseDuration(text);
  if (timeout === undefined) throw new GvmError({ code: 'usage', message: `--timeout: "${text}" is no duration` });
  const json = context.flag('json');
  const result = await channel.exec(commandOf(context.rest), {
    timeout: timeout * scale,
    ...(signal ? { signal } : {}),
    ...(json
      ? {}
      : {
          onStdout: (chunk) => void process.stdout.write(chunk),
          onStderr: (chunk) => void process.stderr.write(chunk),
        }),
  });
  const exitCode = result.exitCode ?? 128 + signalNumber(result.signal);
  if (json) {
    const { stdout, stderr, durationMs, truncated } = result;
    const text = (bytes: Buffer) => bytes.toString('utf8');
    context.show(
      { exitCode, signal: result.signal, stdout: text(stdout), stderr: text(stderr), truncated, durationMs },
      () => '',
    );
  }
  return exitCode;
}

function signalNumber(name: string | null): number {
  return (constants.signals as Record<string, number>)[`SIG${name}`] ?? 0;
}

/** Joins the terminal to a shell in the guest until it ends. @returns its exit code */
export async function runShell(channel: Channel): Promise<number> {
  const { stdin, stdout } = process;
  const terminal = stdin.isTTY && stdout.isTTY;
  const size = { columns: stdout.columns ?? 80, rows: stdout.rows ?? 24, type: process.env.TERM ?? 'xterm' };
  await using shell = await channel.shell(terminal ? { terminal: size } : {});
  const onResize = () => shell.resize(stdout.columns, stdout.rows);
  if (terminal) {
    stdin.setRawMode(true);
    stdout.on('resize', onResize);
  }
  stdin.pipe(shell.stdin);
  shell.stdout.pipe(stdout, { end: false });
  shell.stderr.pipe(process.stderr, { end: false });
  try {
    const { exitCode, signal } = await shell.ended;
    return exitCode ?? 128 + signalNumber(signal);
  } finally {
    stdin.unpipe();
    stdin.pause();
    if (terminal) stdin.setRawMode(false);
    stdout.off('resize', onResize);
  }
}
