import { clip, formatDuration, printable } from '../core/index.ts';
import { GvmError } from '../errors/index.ts';
import type { ExecOptions } from './channel.ts';

const TIMEOUT = 60_000;
const LONGEST_TIMEOUT = 2 ** 31 - 1;

/** Bytes that are kept of each stream where nothing else is asked for. */
export const MAX_OUTPUT = 2 ** 20;
/** Milliseconds, before scaling, that output is waited for once the shell has exited. */
export const GRACE = 200;

/** Milliseconds that a command may take. */
export function timeoutOf({ timeout }: ExecOptions): number {
  return Math.min(timeout ?? TIMEOUT, LONGEST_TIMEOUT);
}

/** The first line of a command, for messages. */
export function shownCommand(command: string): string {
  return clip(printable(command.trim().split('\n')[0] ?? ''), 120);
}

/** The error of a command that did not end in time, with what it last said. */
export function deadlinePassed(command: string, timeout: number, stdout: Buffer, stderr: Buffer): GvmError {
  const said = (stderr.toString('utf8') || stdout.toString('utf8')).trim();
  const last = printable(said.split('\n').at(-1) ?? '');
  return new GvmError({
    code: 'deadline',
    message: `a command did not end within ${formatDuration(timeout)}: ${shownCommand(command)}${last ? `; it last said: ${clip(last, 200)}` : ''}`,
    details: { command: clip(command, 2000), timeout, said: clip(said, 4000) },
  });
}
