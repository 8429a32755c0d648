import { setMaxListeners } from 'node:events';
import type { Ownership } from './ownership.ts';

const codes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
type OwnedSignal = keyof typeof codes;

/** The reason with which a signal aborts what this process owns. */
export class Interrupted extends Error {
  readonly signal: OwnedSignal;

  constructor(signal: OwnedSignal) {
    super(`interrupted by ${signal}`);
    this.name = 'Interrupted';
    this.signal = signal;
  }
}

/**
 * Runs the part of a command that owns guests. The first SIGINT, SIGTERM or SIGHUP aborts `ownership.signal`, so that
 * `main` ends in order: cancel, end guests, release, report. The second one releases at once and exits.
 * @returns what `main` returns, or 128 + the number of the signal
 */
export async function runOwned(main: (ownership: Ownership) => Promise<number>): Promise<number> {
  const controller = new AbortController();
  // Every guest, and every wait for one, listens to it.
  setMaxListeners(0, controller.signal);
  const releases = new Set<() => void>();
  let received: OwnedSignal | undefined;
  const onSignal = (signal: OwnedSignal) => {
    if (received === undefined) {
      received = signal;
      controller.abort(new Interrupted(signal));
      return;
    }
    for (const release of releases) {
      try {
        release();
      } catch {
        // The others must still run; what is left is reaped at the next start.
      }
    }
    process.exit(codes[received]);
  };
  const names = Object.keys(codes) as OwnedSignal[];
  for (const name of names) process.on(name, onSignal);
  const ownership: Ownership = {
    signal: controller.signal,
    atOnce: (release) => {
      releases.add(release);
      return () => releases.delete(release);
    },
  };
  try {
    const code = await main(ownership);
    return received === undefined ? code : codes[received];
  } catch (error) {
    if (received === undefined) throw error;
    return codes[received];
  } finally {
    for (const name of names) process.off(name, onSignal);
  }
}
