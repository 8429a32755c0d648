import type { Attempt } from '../schema/index.ts';
import type { SessionResult } from './session.ts';

/** How a test is tried. */
export interface Tries {
  /** How often it is tried again. */
  retries: number;
  signal: AbortSignal;
  attempt(): Promise<SessionResult>;
  /** Before a try that follows an error: a guest that is gone is replaced. */
  renew(): Promise<void>;
}

/** Tries a test until it passes or is not to be tried again. @returns the last result, with the tries before it */
export async function withRetries({ retries, signal, attempt, renew }: Tries): Promise<SessionResult> {
  const attempts: Attempt[] = [];
  for (;;) {
    const result = await attempt();
    const { outcome, failures, durationMs, error } = result.verdict;
    const wrong = outcome === 'failed' || outcome === 'timeout' || outcome === 'error';
    if (!wrong || attempts.length === retries || signal.aborted) {
      return attempts.length === 0 ? result : { ...result, verdict: { ...result.verdict, attempts } };
    }
    const { guest } = result;
    attempts.push({
      outcome,
      failures,
      durationMs,
      ...(error === undefined ? {} : { error }),
      ...(guest === undefined ? {} : { guest }),
    });
    if (outcome === 'error') await renew();
  }
}
