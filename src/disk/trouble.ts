import { ByteView } from '../core/index.ts';
import { GvmError, isGvmError } from '../errors/index.ts';

/** The error for a damaged structure. `offset` counts from the beginning of what is read, in bytes. */
export function corrupt(structure: string, offset: number, what: string): GvmError {
  return new GvmError({
    code: 'corrupt',
    message: `${structure} at offset ${offset}: ${what}`,
    details: { structure, offset },
  });
}

/** The error for a sound disk with a feature that gvm does not read. */
export function unsupported(what: string, feature: string): GvmError {
  return new GvmError({
    code: 'unsupported',
    message: `${what}: gvm does not read ${feature}`,
    details: { what, feature },
  });
}

/** A checked view of bytes that stand at `offset`. */
export function view(bytes: Uint8Array, structure: string, offset: number): ByteView {
  return new ByteView(bytes, { structure, offset, corrupt });
}

/** Something wrong that did not stop the reading: it stands beside the result. */
export interface Diagnostic {
  structure: string;
  /** Bytes from the beginning of what is read; undefined where the trouble has no place. */
  offset: number | undefined;
  message: string;
}

/** A `corrupt` or `unsupported` error as a diagnostic; anything else is thrown on. */
export function asDiagnostic(error: unknown): Diagnostic {
  if (!isGvmError(error) || (error.code !== 'corrupt' && error.code !== 'unsupported')) throw error;
  const { structure, offset, what } = error.details;
  return {
    structure: String(structure ?? what ?? 'disk'),
    offset: typeof offset === 'number' ? offset : undefined,
    message: error.message,
  };
}
