import { assertFits, commandScript, quote } from '../script.ts';

/**
 * A command as words for the login shell of whichever user, which is replaced by `/bin/sh`.
 * @param input whether the session's input is the command's; else it has none
 * @param prefix words that make the shell another user's
 * @param first what the shell does before the command, on the same line
 * @throws GvmError `usage` where the command is too long or holds a NUL
 */
export function commandLine(
  command: string,
  env: Readonly<Record<string, string>> = {},
  { input = false, prefix = '', first = '' } = {},
): string {
  // What changes the user may read a password from the session's input, so the shell closes that itself.
  const [before, after] = input ? ['', ''] : prefix === '' ? ['', ' </dev/null'] : ['exec </dev/null\n', ''];
  const line = `exec ${prefix}/bin/sh -c ${quote(before + first + commandScript(command, env))}${after}`;
  assertFits(line);
  return line;
}
