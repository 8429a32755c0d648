import { formatDuration } from '../core/index.ts';
import { type ErrorCode, GvmError } from '../errors/index.ts';
import type { BootRecord } from '../schema/index.ts';
import type { Loss } from './boot-watch.ts';
import type { Death } from './death.ts';

export interface BootContext {
  guest: string;
  /** The console log of the guest. */
  console: string;
  stages: BootRecord['stages'];
}

/** A guest that will not become ready. */
export function bootFailed(loss: Loss, context: BootContext): GvmError {
  if (loss.kind === 'host') return hostError(loss.error, context);
  return deathError('boot-failed', `guest ${context.guest} died in stage ${loss.death.stage}`, loss.death, context);
}

/** A guest that was ready and is no more. */
export function guestLost(loss: Loss, context: BootContext): GvmError {
  if (loss.kind === 'host') return hostError(loss.error, context);
  return deathError('guest-lost', `guest ${context.guest} was lost`, loss.death, context);
}

/** A guest that was not ready in time. */
export function bootTimeout(
  timeout: number,
  scale: number,
  lastSeen: string,
  context: BootContext & { stage: Death['stage'] },
): GvmError {
  const { guest, stage, stages } = context;
  const limit = formatDuration(timeout * scale);
  const message = `guest ${guest} was not ready within ${limit} (${formatDuration(timeout)} × ${scale}): ${lastSeen}`;
  const record: BootRecord = {
    outcome: 'timeout',
    stage,
    cause: 'timeout',
    blame: 'unknown',
    message,
    stages,
  };
  return new GvmError({
    code: 'boot-timeout',
    message,
    hint: `the console log: ${context.console}; a longer deadline: machine: timeout`,
    details: { ...record, guest, console: context.console },
  });
}

function deathError(code: ErrorCode, what: string, death: Death, context: BootContext): GvmError {
  const { guest, console, stages } = context;
  const { stage, cause, blame, meaning, how, evidence, advice, traceAt, at } = death;
  const shown = evidence.map((line) => `\n  | ${line}`).join('');
  const message = `${what}: ${meaning} (${how})${shown}`;
  const record: BootRecord = {
    outcome: 'failed',
    stage,
    cause,
    blame,
    message: `${what}: ${meaning}`,
    evidence,
    stages,
    ...(traceAt === undefined ? {} : { traceMs: Math.round(traceAt) }),
    ...(at === undefined ? {} : { diedMs: Math.round(at) }),
  };
  return new GvmError({
    code,
    message,
    hint: `${advice === undefined ? '' : `${advice}; `}the console log: ${console}`,
    details: { ...record, guest, console },
  });
}

/** Trouble of the host keeps its own code and gains what is known of the guest. */
function hostError(error: GvmError, { guest, console, stages }: BootContext): GvmError {
  const { code, message, hint, details, cause } = error;
  return new GvmError({
    code,
    message: `guest ${guest}: ${message}`,
    hint,
    details: { ...details, blame: 'host', cause: code, stages, guest, console },
    cause: cause ?? error,
  });
}
