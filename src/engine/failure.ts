import { asGvmError, catalogue, type ErrorCode, GvmError } from '../errors/index.ts';
import type { Blame, RunError } from '../schema/index.ts';

/** An error as a report shows it. Its blame is the one that was found by evidence, else it follows from its class. */
export function toRunError(thrown: unknown): RunError {
  const error = asGvmError(thrown);
  return {
    code: error.code,
    message: error.message,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    blame: blameOf(error),
    ...(Array.isArray(error.details.notes) ? { notes: error.details.notes.map(String) } : {}),
  };
}

function blameOf(error: GvmError): Blame {
  const { blame } = error.details;
  if (blame === 'guest' || blame === 'host' || blame === 'unknown') return blame;
  if (error.exitCode === 3) return 'guest';
  return error.exitCode === 4 ? 'host' : 'unknown';
}

/** The way back: an error that crossed a socket as data. */
export function fromRunError({ code, message, hint, blame, notes }: RunError): GvmError {
  const known = code in catalogue ? (code as ErrorCode) : 'internal';
  return new GvmError({ code: known, message, hint, details: { blame, notes } });
}
