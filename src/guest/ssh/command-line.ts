import { GvmError } from '../../errors/index.ts';

/** Linux takes at most 128 KiB in one argument of a program (MAX_ARG_STRLEN); sshd hands a command on as one. */
const LONGEST = 128 * 1024 - 1;

/**
 * A command as words for the login shell of whichever user, which is replaced by `/bin/sh`.
 * @param input whether the session's input is the command's; else it has none
 * @throws GvmError `usage` where the command is too long or holds a NUL
 */
export function commandLine(command: string, env: Readonly<Record<string, string>> = {}, input = false): string {
  const exports = Object.entries(env).map(([name, value]) => `export ${name}=${quote(value)}\n`);
  const line = `exec /bin/sh -c ${quote(exports.join('') + command)}${input ? '' : ' </dev/null'}`;
  if (line.includes('\0')) {
    throw new GvmError({ code: 'usage', message: 'a command for the guest holds a NUL character' });
  }
  const bytes = Buffer.byteLength(line);
  if (bytes > LONGEST) {
    const message = `a command for the guest has ${bytes} bytes when quoted; ${LONGEST} fit into one argument`;
    throw new GvmError({ code: 'usage', message, hint: 'put it into a script in the guest and run that' });
  }
  return line;
}

/** Always quoted, so that an empty word stays a word. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
