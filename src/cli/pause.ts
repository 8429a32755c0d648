import { once } from 'node:events';
import { printable } from '../core/index.ts';
import { GvmError } from '../errors/index.ts';
import type { Context } from './command.ts';

/**
 * What --pause-on-failure does with a guest in which a test failed: it says how to enter it, and waits for Enter.
 * Undefined where it was not asked for. One guest after the other, where several wait.
 * @throws GvmError `usage` where nobody can press Enter
 */
export function pauseAsked(context: Context, signal: AbortSignal) {
  if (!context.flag('pause-on-failure')) return undefined;
  if (!process.stdin.isTTY) {
    const message = '--pause-on-failure waits for Enter, and standard input is no terminal';
    throw new GvmError({ code: 'usage', message });
  }
  let before: Promise<void> = Promise.resolve();
  const pause = async (guest: string, why: string) => {
    signal.throwIfAborted();
    process.stderr.write(
      `\n${printable(why)}\n${guest} stays as the test left it. Enter it from another terminal: gvm ssh ${guest}\nPress Enter to go on. `,
    );
    process.stdin.resume();
    try {
      await once(process.stdin, 'data', { signal });
    } finally {
      process.stdin.pause();
    }
  };
  return (guest: string, why: string): Promise<void> => {
    const own = before.then(() => pause(guest, why));
    before = own.catch(() => {});
    return own;
  };
}
