import { printable } from '../core/index.ts';
import { GvmError, isGvmError } from './gvm-error.ts';

/** Any thrown value as a GvmError; what is not ours becomes `internal` with the original as its cause. */
export function asGvmError(thrown: unknown): GvmError {
  if (isGvmError(thrown)) return thrown;
  const system = fromSystem(thrown);
  if (system) return system;
  const text = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  return new GvmError({
    code: 'internal',
    message: `gvm met a defect of its own: ${text}`,
    hint: 'run the same command with GVM_DEBUG=1 and report what it prints',
    cause: thrown,
  });
}

/** Operating-system errors that need no wrapping where they are thrown. */
function fromSystem(thrown: unknown): GvmError | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown)) return undefined;
  const path = 'path' in thrown && typeof thrown.path === 'string' ? thrown.path : undefined;
  const on = path ? ` on ${path}` : '';
  switch (thrown.code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new GvmError({
        code: 'disk-full',
        message: `no space left${on}`,
        hint: 'free some space, or point GVM_HOME or TMPDIR at a larger file system',
        cause: thrown,
      });
    case 'EACCES':
    case 'EPERM':
      return new GvmError({ code: 'host-resource', message: `permission denied${on}`, cause: thrown });
    case 'ENOENT':
    case 'ENOTDIR':
      return new GvmError({ code: 'file-missing', message: `no such file or folder: ${path ?? '?'}`, cause: thrown });
    case 'EMFILE':
      return new GvmError({
        code: 'host-resource',
        message: 'too many open files',
        hint: 'raise `ulimit -n`',
        cause: thrown,
      });
    default:
      return undefined;
  }
}

/** The text of an error for a terminal: message, place and hint, with control characters made visible. */
export function renderError(error: GvmError): string {
  const where = error.position ? `${error.position.file}:${error.position.line}:${error.position.column}: ` : '';
  const lines = [`error: ${where}${printable(error.message)}`];
  if (error.hint) lines.push(`  hint: ${printable(error.hint)}`);
  if (error.code === 'internal' && process.env.GVM_DEBUG && error.cause instanceof Error) {
    lines.push(error.cause.stack ?? '');
  }
  return lines.join('\n');
}

/** The same as data, for `--json`. */
export function errorToJson(error: GvmError): Record<string, unknown> {
  const { code, message, hint, position, details, exitCode } = error;
  return { code, message, hint, position, details, exitCode };
}
