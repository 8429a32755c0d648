import { type ErrorCode, exitCodeOf } from './catalogue.ts';

const IDENTITY = Symbol.for('gvm.error');

/** A place in a text file; line and column count from 1. */
export interface SourcePosition {
  file: string;
  line: number;
  column: number;
}

export interface GvmErrorOptions {
  /** Stable name, one of the catalogue. */
  code: ErrorCode;
  /** What failed, on what, what was expected and what was found. */
  message: string;
  /** What to do next. */
  hint?: string | undefined;
  /** Where in the user's text the trouble lies. */
  position?: SourcePosition | undefined;
  /** Machine-readable facts about the failure; they appear in `--json`. */
  details?: Record<string, unknown> | undefined;
  cause?: unknown;
}

/** The one error class of gvm. Its identity is a symbol, so it survives several copies of the package. */
export class GvmError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly position: SourcePosition | undefined;
  readonly details: Record<string, unknown>;

  constructor(options: GvmErrorOptions) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'GvmError';
    this.code = options.code;
    this.hint = options.hint;
    this.position = options.position;
    this.details = options.details ?? {};
    Object.defineProperty(this, IDENTITY, { value: true });
  }

  /** The exit code of design §4 that this error's class asks for, or the blame that was found by evidence. */
  get exitCode(): number {
    return exitCodeOf(this.code, this.details.blame);
  }
}

/** Whether a value is a GvmError, from whichever copy of the package. */
export function isGvmError(value: unknown): value is GvmError {
  return typeof value === 'object' && value !== null && IDENTITY in value;
}
