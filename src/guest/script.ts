import { GvmError } from '../errors/index.ts';

/** Linux takes at most 128 KiB in one argument of a program (MAX_ARG_STRLEN), and a command is one of `/bin/sh -c`. */
const LONGEST = 128 * 1024 - 1;

/**
 * A command with its variables, as text for `/bin/sh -c`.
 * @throws GvmError `usage` where it holds a NUL
 */
export function commandScript(command: string, env: Readonly<Record<string, string>> = {}): string {
  const exports = Object.entries(env).map(([name, value]) => `export ${name}=${quote(value)}\n`);
  const script = exports.join('') + command;
  if (script.includes('\0')) {
    throw new GvmError({ code: 'usage', message: 'a command for the guest holds a NUL character' });
  }
  return script;
}

/** @throws GvmError `usage` where a text has more bytes than one argument of a program may have */
export function assertFits(text: string): void {
  const bytes = Buffer.byteLength(text);
  if (bytes <= LONGEST) return;
  const message = `a command for the guest has ${bytes} bytes when quoted; ${LONGEST} fit into one argument`;
  throw new GvmError({ code: 'usage', message, hint: 'put it into a script in the guest and run that' });
}

/** Always quoted, so that an empty word stays a word. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
