// Taken apart as the kernel does it (lib/cmdline.c): quotes keep spaces, "-" and "_" are the same in a name.

/** The words of a kernel command line; quotes stay where they are. */
export function splitCommandLine(line: string): string[] {
  return line.match(/(?:"[^"]*(?:"|$)|[^\s"])+/g) ?? [];
}

/** Name and value of a word: quotes around the whole or around the value are taken off. */
export function parameterOf(word: string): { name: string; value: string | null } {
  const bare = /^"([^"]*)"?$/.exec(word)?.[1] ?? word;
  const equals = bare.indexOf('=');
  const name = (equals < 0 ? bare : bare.slice(0, equals)).replaceAll('-', '_');
  if (equals < 0) return { name, value: null };
  const value = bare.slice(equals + 1);
  return { name, value: /^"([^"]*)"?$/.exec(value)?.[1] ?? value };
}
