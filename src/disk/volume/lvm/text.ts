// Reads: the configuration language in which lvm2 writes its metadata: sections, numbers, strings and lists of them.
// Specification: lvm.conf(5), libdm/libdm-config.c of lvm2.
// Does not read: names with slashes, which stand for nested sections in lvm.conf alone.
import type { ByteView } from '../../../core/index.ts';

export type Scalar = number | string;
export type Value = Scalar | Scalar[] | Section;
export type Section = Map<string, Value>;

const DEEPEST = 8;
const MOST_VALUES = 1_000_000;

/** Strings with escapes, numbers, names, marks. */
const TOKEN = /("(?:[^"\\]|\\[\s\S]){0,4096}")|(-?\d{1,20}(?:\.\d{1,20})?)(?![\w.+-])|([\w.+@-]{1,256})|([{}=[\],])/y;

/** @throws GvmError `corrupt` */
export function parseMetadata(from: ByteView): Section {
  const text = from.bytes.toString('latin1');
  let at = 0;
  let values = 0;
  const wrong = (what: string) => from.corrupt(Math.min(at, from.length), what);
  const next = (): { kind: 'string' | 'number' | 'name' | 'mark' | 'end'; text: string } => {
    at = afterBlanks(text, at);
    if (at >= text.length) return { kind: 'end', text: '' };
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(text);
    if (!found) throw wrong('a character that belongs to nothing');
    if (++values > MOST_VALUES) throw wrong(`more than ${MOST_VALUES} words`);
    at = TOKEN.lastIndex;
    const [, string, number, name, mark = ''] = found;
    if (string !== undefined) return { kind: 'string', text: string.slice(1, -1).replaceAll(/\\([\s\S])/g, '$1') };
    if (number !== undefined) return { kind: 'number', text: number };
    if (name !== undefined) return { kind: 'name', text: name };
    return { kind: 'mark', text: mark };
  };
  const scalar = ({ kind, text: word }: ReturnType<typeof next>): Scalar => {
    if (kind === 'string') return Buffer.from(word, 'latin1').toString('utf8');
    if (kind !== 'number') throw wrong(`a ${kind} where a value is expected`);
    const number = Number(word);
    if (!Number.isSafeInteger(Math.trunc(number))) throw wrong(`the number ${word}`);
    return number;
  };
  const value = (): Value => {
    const token = next();
    if (token.text !== '[' || token.kind !== 'mark') return scalar(token);
    const list: Scalar[] = [];
    for (let word = next(); !(word.kind === 'mark' && word.text === ']'); word = next()) {
      if (word.kind === 'mark' && word.text === ',') continue;
      list.push(scalar(word));
    }
    return list;
  };
  const section = (depth: number, inner: boolean): Section => {
    if (depth > DEEPEST) throw wrong(`sections deeper than ${DEEPEST}`);
    const found: Section = new Map();
    for (;;) {
      const key = next();
      if (key.kind === 'end' && !inner) return found;
      if (key.kind === 'mark' && key.text === '}' && inner) return found;
      if (key.kind !== 'name' && key.kind !== 'number') throw wrong(`a ${key.kind} where a name is expected`);
      if (found.has(key.text)) throw wrong(`${key.text} stands there twice`);
      const mark = next().text;
      if (mark === '=') found.set(key.text, value());
      else if (mark === '{') found.set(key.text, section(depth + 1, true));
      else throw wrong(`${key.text} is neither a value nor a section`);
    }
  };
  return section(0, false);
}

/** The text ends with a NUL, and a comment with its line. */
function afterBlanks(text: string, from: number): number {
  for (let at = from; ; at++) {
    if (text[at] === '#') {
      const end = text.indexOf('\n', at);
      if (end < 0) return text.length;
      at = end;
    } else if (!/[\s\0]/.test(text[at] ?? '.')) return at;
  }
}
