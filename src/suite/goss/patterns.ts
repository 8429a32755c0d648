// The patterns of goss, which are held against text line by line, as gvm's matchers of text. Specification: "io.Readers"
// in goss's docs/gossfile.md. Not read: what only Go's regular expressions have.
import type { DocumentPath } from '../../schema/index.ts';
import { isMap, Refusal, textOf } from './refusal.ts';

/** What RE2 reads otherwise than JavaScript, or JavaScript not at all: flags, anchors of text, POSIX classes, quoting. */
const OF_GO = /\(\?(?:[a-zA-Z-]+[:)]|P<)|\\[AzQEC]|\[\[?\^?:\^?[a-z]+:\]|\\[pP][A-Z]/;

export function regexp(value: unknown, path: DocumentPath): string {
  const source = textOf(value, path);
  const [own] = OF_GO.exec(source) ?? [];
  if (own !== undefined)
    throw new Refusal(path, `${own} is of Go's regular expressions; those of gvm are JavaScript's, which lack it`);
  return source;
}

/** Text as a regular expression that finds it. */
export const literally = (text: string) => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');

/** `foo`, `/regexp/`, `!not this`, `\!literally`. */
export function pattern(value: unknown, path: DocumentPath): unknown {
  const text = textOf(value, path);
  const negated = text.startsWith('!');
  const rest = negated ? text.slice(1) : text;
  const body = /^\/(.*)\/$/s.exec(rest)?.[1];
  const found = body === undefined ? { contains: rest.replace(/^\\([!/])/, '$1') } : { matches: regexp(body, path) };
  return negated ? { not: found } : found;
}

/** A matcher of one element, as one of a line of text. */
export function lineMatcher(value: unknown, path: DocumentPath): unknown {
  if (!isMap(value)) return { matches: `^${literally(textOf(value, path))}$` };
  const [[key, argument] = ['', undefined], second] = Object.entries(value);
  const below = [...path, key];
  if (second === undefined && key === 'match-regexp') return { matches: regexp(argument, below) };
  if (second === undefined && key === 'contain-substring') return { contains: textOf(argument, below) };
  if (second === undefined && key === 'have-prefix') return { matches: `^${literally(textOf(argument, below))}` };
  if (second === undefined && key === 'have-suffix') return { matches: `${literally(textOf(argument, below))}$` };
  throw new Refusal(below, `gvm has no equal of goss's matcher ${key} for a line of text`);
}
