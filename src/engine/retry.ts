import { pause } from '../core/index.ts';
import type { Attempt } from '../schema/index.ts';
import type { SessionResult } from './session.ts';

/** How a test is tried. */
export interface Tries {
  /** How often it is tried again where it went wrong by itself. */
  retries: number;
  signal: AbortSignal;
  attempt(): Promise<SessionResult>;
  /** Before a try that follows an error: a guest that is gone is replaced. */
  renew(): Promise<unknown>;
}

/** How often a test is tried again that the host has spoiled, and milliseconds before each of these tries. */
const HOST_TRIES = 2;
const HOST_PAUSE = 500;

/**
 * Tries a test until it passes or is not to be tried again. What the host is to blame for says nothing of the test: it is
 * counted apart, and tried again unasked. @returns the last result, with the tries before it
 */
export async function withRetries({ retries, signal, attempt, renew }: Tries): Promise<SessionResult> {
  const attempts: Attempt[] = [];
  const hostErrors: Attempt[] = [];
  for (;;) {
    const result = await attempt();
    const { outcome, failures, durationMs, error } = result.verdict;
    const wrong = outcome === 'failed' || outcome === 'timeout' || outcome === 'error';
    const byHost = outcome === 'error' && error?.blame === 'host';
    const spent = byHost ? hostErrors.length === HOST_TRIES : attempts.length === retries;
    if (!wrong || spent || signal.aborted) {
      Object.assign(
        result.verdict,
        attempts.length > 0 ? { attempts } : {},
        hostErrors.length > 0 ? { hostErrors } : {},
      );
      return result;
    }
    const { guest } = result;
    const before = byHost ? hostErrors : attempts;
    before.push({
      outcome,
      failures,
      durationMs,
      ...(error === undefined ? {} : { error }),
      ...(guest === undefined ? {} : { guest }),
    });
    if (outcome === 'error') await renew();
    if (byHost) await pause(HOST_PAUSE * hostErrors.length, signal).catch(() => {});
  }
}
