import { clip, formatDuration, printable } from '../core/index.ts';
import { type ErrorCode, GvmError, isGvmError } from '../errors/index.ts';
import type { BootRecord } from '../schema/index.ts';
import type { Loss } from './boot-watch.ts';
import type { Death } from './death.ts';
import type { Screen } from './screen/screen.ts';

/** Lines of a screen that a message shows. */
const MOST_SHOWN = 8;

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

/** The same error with what the screen showed; its lines stand in the message where the console says nothing. */
export function withScreen(error: unknown, screen: Screen | undefined): unknown {
  if (!screen || !isGvmError(error)) return error;
  const { code, message, hint, details, cause } = error;
  const text = screen.text.map((line) => clip(printable(line), 300));
  const mute = !Array.isArray(details.evidence) || details.evidence.length === 0;
  const shown = mute ? text.slice(-MOST_SHOWN).map((line) => `\n  | screen: ${line}`) : [];
  return new GvmError({
    code,
    message: `${message}${shown.join('')}`,
    hint: [...(hint === undefined ? [] : [hint]), `a picture of its screen: ${screen.picture}`].join('; '),
    details: { ...details, ...(text.length > 0 ? { screen: text } : {}), picture: screen.picture },
    cause,
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
