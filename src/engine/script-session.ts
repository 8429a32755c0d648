import { anySignal, formatDuration, monotonic } from '../core/index.ts';
import { GvmError, isGvmError } from '../errors/index.ts';
import type { Failure } from '../schema/index.ts';
import type { Registry } from '../suite/index.ts';
import type { GuestAccess } from './guest-access.ts';
import { withRetries } from './retry.ts';
import { CheckFailure, type ScriptFixtures, ScriptGuest } from './script-guest.ts';
import { emptyVerdict, type SessionResult, WorkerSession } from './session.ts';

/** A test whose body is code. */
export interface ScriptTest {
  body: (fixtures: ScriptFixtures) => unknown;
  /** Milliseconds before scaling. */
  timeout: number;
  skip: string | undefined;
  /** The id of a test that has a fork of the guest for itself. */
  fork: string | undefined;
}

/** One suite file in TypeScript, in one worker. */
export class ScriptSession extends WorkerSession {
  /** Runs one body. `enters` is told of the registry before it. */
  async run(
    { body, timeout, skip, fork }: ScriptTest,
    signal: AbortSignal,
    enters: (registry: Registry) => void,
  ): Promise<SessionResult> {
    if (skip !== undefined) return { verdict: emptyVerdict('skipped', { reason: skip }) };
    const act = async (access: GuestAccess, registry: Registry) => {
      enters(registry);
      const late = new AbortController();
      const limit = timeout * access.scale;
      const started = monotonic();
      const message = `the test did not end within ${formatDuration(limit)}`;
      const timer = setTimeout(() => late.abort(new GvmError({ code: 'deadline', message })), limit);
      const stop = anySignal(signal, late.signal);
      const guest = new ScriptGuest(access, {
        registry,
        signal: stop,
        output: this.output,
        remaining: () => Math.max(1, started + limit - monotonic()),
      });
      const verdict = emptyVerdict('passed', { commands: guest.commands });
      let thrown: unknown;
      try {
        await Promise.race([Promise.resolve(body({ guest })), aborted(stop)]);
      } catch (error) {
        signal.throwIfAborted();
        if (!late.signal.aborted && isGvmError(error) && error.code !== 'deadline') throw error;
        thrown = late.signal.aborted ? late.signal.reason : error;
        verdict.outcome = late.signal.aborted || isGvmError(error) ? 'timeout' : 'failed';
        verdict.failures = failuresOf(thrown);
      } finally {
        clearTimeout(timer);
      }
      verdict.durationMs = monotonic() - started;
      return { verdict, thrown };
    };
    return await withRetries({
      retries: this.retries,
      signal,
      attempt: () => this.inGuest(signal, act, fork),
      renew: () => this.renew(fork),
    });
  }
}

function failuresOf(thrown: unknown): Failure[] {
  if (thrown instanceof CheckFailure) return [...thrown.failures];
  return [plainFailure(thrown instanceof Error ? thrown : new Error(String(thrown)))];
}

/** Its place is found by its stack, in the main process. */
function plainFailure(error: Error & { expected?: unknown; actual?: unknown }): Failure {
  const check = error.name === 'AssertionError' ? 'expect' : 'code';
  const shown = (key: 'expected' | 'actual') => (typeof error[key] === 'string' ? { [key]: error[key] } : {});
  return { check, path: [], message: error.message, ...shown('expected'), ...shown('actual') };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const end = () => reject(signal.reason);
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}
