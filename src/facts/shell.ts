import { shellQuote } from '../core/index.ts';
import type { FactOutput } from './fact.ts';

/** A path as one word of a shell command that no program takes for an option. */
export function pathWord(path: string): string {
  return shellQuote(path.startsWith('/') ? path : `./${path}`);
}

/** The data of the first part with a label. */
export function partOf(output: FactOutput, label: string): Buffer | undefined {
  return output.parts.find((part) => part.label === label)?.data;
}

/** The lines of a part; the last newline ends the last line and begins no other. */
export function linesOf(data: Buffer | undefined): string[] {
  const text = data?.toString('utf8') ?? '';
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

/**
 * The sections that `head -c N FILE…` prints for several files, by the name in its `==> FILE <==` lines. The names must
 * come in the order asked for and once each, so that a file whose text holds such a line is found out.
 * @returns undefined where they do not
 */
export function headSections(data: Buffer, asked: readonly string[]): Map<string, string> | undefined {
  const text = `\n${data.toString('latin1')}`;
  const order = new Map(asked.map((name, i) => [name, i]));
  const sections = new Map<string, string>();
  let last = -1;
  let open: { name: string; from: number } | undefined;
  for (const match of text.matchAll(/\n==> (\/[^\n]*) <==\n/g)) {
    const name = match[1] ?? '';
    const index = order.get(name);
    if (index === undefined || index <= last) return undefined;
    if (open) sections.set(open.name, text.slice(open.from, match.index));
    open = { name, from: match.index + match[0].length };
    last = index;
  }
  if (open) sections.set(open.name, text.slice(open.from));
  return sections;
}

/** Shell text that looks up words in a database: by one process where getent(1) is that of glibc, which takes several. */
export function getentAll(database: string, words: string): string {
  return `if [ -e /etc/nsswitch.conf ]; then getent ${database} ${words}
else for e in ${words}; do getent ${database} "$e"; done
fi`;
}
