// Text that comes from a guest, its disk or a tool is untrusted: it may hold terminal control sequences.

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to find
const ANSI = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[PX^_][^\u001b]*\u001b\\|[@-Z\\-_])/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to find
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** The text without ANSI escape sequences (ECMA-48 CSI, OSC, string and two-byte sequences). */
export function stripAnsi(text: string): string {
  return text.replace(ANSI, '');
}

/**
 * Text fit for a terminal: escape sequences removed, other control and bidirectional characters shown as \xNN, half
 * characters (lone surrogates) replaced.
 */
export function printable(text: string): string {
  return stripAnsi(text)
    .replace(/\r\n/g, '\n')
    .replace(/\p{Surrogate}/gu, '\ufffd')
    .replace(CONTROL, (c) => {
      const code = c.codePointAt(0) ?? 0;
      return code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
    });
}

/** At most `max` characters of a text, with a mark where it was cut. */
export function clip(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max)}… (${text.length - max} more characters)`;
}

/** A word quoted for a POSIX shell; plain words stay as they are. */
export function shellQuote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/**
 * Text in which GitHub's runner finds no command: it reads `::command::` at the start of a line, white space before it
 * included, and the older `##[command]` anywhere.
 */
export function withoutCommands(text: string): string {
  return text.replace(/^(\s*):(?=:)/gm, '$1: ').replaceAll('##[', '## [');
}
