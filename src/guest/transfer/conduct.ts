import type { Readable } from 'node:stream';
import { anySignal, clip, formatDuration, printable } from '../../core/index.ts';
import { GvmError } from '../../errors/index.ts';
import type { Channel, RunningCommand } from '../channel.ts';

export interface TransferOptions {
  /** Milliseconds, already scaled. Default 10 min. */
  timeout?: number;
  signal?: AbortSignal;
}

/** A transfer's command in the guest, while its streams are read and written. */
export interface Conducted {
  command: RunningCommand;
  /** Ends the transfer: the caller's signal, or the deadline. */
  signal: AbortSignal;
  /** Waits for the command's end. @throws GvmError `transfer-failed` with what the guest's tar said */
  end(): Promise<{ exitCode: number | null; said: string }>;
}

const TIMEOUT = 600_000;
const MOST_SAID = 8192;

/**
 * Runs a transfer's command in the guest and lets `carry` deal with its streams. A trouble on the guest's side explains
 * one that it brings about on ours, so the guest's words come first.
 * @param what the transfer in words, for errors
 */
export async function conduct<T>(
  channel: Pick<Channel, 'start'>,
  script: string,
  what: string,
  { timeout = TIMEOUT, signal }: TransferOptions,
  carry: (conducted: Conducted) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const limit = Math.min(timeout, 2 ** 31 - 1);
  const expire = () =>
    late.abort(new GvmError({ code: 'deadline', message: `${what} did not end within ${formatDuration(limit)}` }));
  const timer = setTimeout(expire, limit);
  const either = anySignal(signal, late.signal);
  try {
    await using command = await channel.start(script, { env: { LC_ALL: 'C' }, signal: either });
    const said = collectText(command.stderr);
    const end = async () => ({ exitCode: (await command.ended).exitCode, said: said() });
    return await carry({ command, signal: either, end });
  } catch (error) {
    either.throwIfAborted();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** Reads a stream to its end and keeps its first bytes, fit for a message. */
function collectText(stream: Readable): () => string {
  let bytes = Buffer.alloc(0);
  stream.on('data', (chunk: Buffer) => {
    if (bytes.length < MOST_SAID) bytes = Buffer.concat([bytes, chunk.subarray(0, MOST_SAID - bytes.length)]);
  });
  return () => clip(printable(bytes.toString('utf8').trim()), 1000);
}
