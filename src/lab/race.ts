import { anySignal, monotonic, within } from '../core/index.ts';
import { GvmError, isGvmError } from '../errors/index.ts';
import type { BootRecord } from '../schema/index.ts';
import { type BootContext, bootFailed, bootTimeout } from './boot-error.ts';
import { becomeReady, type ReadinessOptions, type ReadyGuest } from './readiness.ts';

export interface RaceOptions extends Omit<ReadinessOptions, 'onState'> {
  /** Monotonic milliseconds at which the boot began, and how long it may take before scaling. */
  began: number;
  timeout: number;
  context: BootContext;
}

/**
 * The first of: ready, no hope any more, the deadline, the caller's signal.
 * @throws GvmError `boot-failed`, `boot-timeout`, `login-refused`; or the signal's reason
 */
export async function raceReadiness({ context, began, timeout, ...race }: RaceOptions): Promise<ReadyGuest> {
  const { watch, scale, signal } = race;
  const stop = new AbortController();
  let state = '';
  const onState = (now: string) => {
    state = now;
  };
  const attempt = becomeReady({ ...race, onState, signal: anySignal(signal, stop.signal) });
  const lost = watch.lost.then((loss) => Promise.reject(bootFailed(loss, context)));
  try {
    const left = timeout * scale - (monotonic() - began);
    const ready = await within(Promise.race([attempt, lost]), Math.max(0, left), signal);
    if (ready) return ready;
    throw bootTimeout(timeout, scale, state || watch.lastSeen(), { ...context, stage: watch.stage });
  } catch (error) {
    signal.throwIfAborted();
    throw isGvmError(error) && error.code === 'login-refused' ? refused(error, context) : error;
  } finally {
    stop.abort(new Error('the wait for the guest is over'));
    attempt.catch(() => {});
  }
}

/** A login that was refused, with what is known of the boot. */
function refused(error: GvmError, { guest, console, stages }: BootContext): GvmError {
  const { code, message, hint, cause } = error;
  const record: BootRecord = { outcome: 'failed', stage: 'ssh', cause: code, blame: 'guest', message, stages };
  return new GvmError({
    code,
    message: `guest ${guest}: ${message}`,
    hint,
    details: { ...record, guest, console },
    cause,
  });
}
