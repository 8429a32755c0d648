import { spawn } from 'node:child_process';
import type { Channel, CommandResult, ExecOptions } from '../../src/guest/index.ts';

/** A channel into this host: each command runs in a real shell. Counts its round trips. */
export function localChannel(
  shell: readonly [string, ...string[]] = ['/bin/sh'],
  cwd = '/',
): Pick<Channel, 'exec'> & { trips: number } {
  const channel = {
    trips: 0,
    exec(command: string, options: ExecOptions = {}) {
      channel.trips++;
      return new Promise<CommandResult>((resolve, reject) => {
        const [program, ...args] = shell;
        const started = performance.now();
        const child = spawn(program, [...args, '-c', command], {
          cwd,
          stdio: ['ignore', 'pipe', 'pipe'],
          ...(options.signal ? { signal: options.signal } : {}),
          ...(options.timeout === undefined ? {} : { timeout: options.timeout }),
        });
        const limit = options.maxOutput ?? 2 ** 24;
        let truncated = false;
        const keep = (chunks: Buffer[]) => (chunk: Buffer) => {
          const have = chunks.reduce((sum, c) => sum + c.length, 0);
          if (have + chunk.length > limit) truncated = true;
          chunks.push(chunk.subarray(0, Math.max(0, limit - have)));
        };
        const out: Buffer[] = [];
        const err: Buffer[] = [];
        child.stdout.on('data', keep(out));
        child.stderr.on('data', keep(err));
        child.on('error', reject);
        child.on('close', (exitCode, signal) =>
          resolve({
            exitCode,
            signal,
            stdout: Buffer.concat(out),
            stderr: Buffer.concat(err),
            truncated,
            durationMs: performance.now() - started,
          }),
        );
      });
    },
  };
  return channel;
}

/** The shells that every fragment must run under, as far as this host has them. */
export const shells: readonly (readonly [string, ...string[]])[] = [['/bin/sh'], ['bash'], ['busybox', 'sh']];
