// What goss expects of an attribute, as an expectation of gvm. Specification: "Matchers" in goss's docs/gossfile.md.
// Not read: have-key, have-key-with-value, gjson, and matchers within consist-of.
import type { DocumentPath } from '../../schema/index.ts';
import { lineMatcher, literally, pattern, regexp } from './patterns.ts';
import { isMap, listOf, Refusal, textOf } from './refusal.ts';

export type Kind = 'string' | 'number' | 'size' | 'scalar' | 'list' | 'text' | 'mode';

const NUMBERS: readonly Kind[] = ['number', 'size', 'scalar'];
const STRINGS: readonly Kind[] = ['string', 'scalar', 'text'];
/** The beginning and the end of all of a text, also where ^ and $ stand at its lines. */
const [BEGIN, END] = ['(?<![^])', '(?![^])'];

/** @returns undefined where goss asserts nothing: an empty list. @throws Refusal */
export function expectationOf(kind: Kind, value: unknown, path: DocumentPath): unknown {
  if (Array.isArray(value)) {
    if (value.length === 0 && (kind === 'text' || kind === 'list')) return undefined;
    if (kind === 'text') return allOf(value.map((part, i) => pattern(part, [...path, i])));
    if (kind === 'list') return { contains: value.map((part, i) => elementOf(part, [...path, i])) };
    throw new Refusal(path, 'expected one value or a matcher, found a list');
  }
  if (isMap(value)) return ofMatcher(kind, value, path);
  return literalOf(kind, value, path);
}

/** Holds where all of several do. */
export const allOf = (parts: readonly unknown[]): unknown => (parts.length === 1 ? parts[0] : { all: parts });

function literalOf(kind: Kind, value: unknown, path: DocumentPath): unknown {
  if (kind === 'list') throw new Refusal(path, 'expected a list or a matcher');
  if (kind === 'scalar' && typeof value === 'number') return value;
  if (kind !== 'number' && kind !== 'size') return textOf(value, path);
  if (typeof value === 'number') return value;
  if (typeof value === 'string' && /^-?\d+(?:\.\d+)?$/.test(value)) return Number(value);
  throw new Refusal(path, `expected a number, found ${JSON.stringify(value)}`);
}

const elementOf = (value: unknown, path: DocumentPath) => expectationOf('string', value, path);

/** An expectation within a matcher, where an empty one cannot be left out. */
function within(kind: Kind, value: unknown, path: DocumentPath): unknown {
  const found = expectationOf(kind, value, path);
  if (found === undefined) throw new Refusal(path, 'an empty list asserts nothing');
  return found;
}

function ofMatcher(kind: Kind, map: Record<string, unknown>, path: DocumentPath): unknown {
  const [entry, second] = Object.entries(map);
  if (!entry || second) throw new Refusal(path, 'a matcher of goss has one key');
  const [key, value] = entry;
  const below = [...path, key];
  const each = () => listOf(value, below).map((part, i) => within(kind, part, [...below, i]));
  const is = (kinds: readonly Kind[]) => kinds.includes(kind);
  if (key === 'not') return { not: within(kind, value, below) };
  if (key === 'or') return { any: each() };
  if (key === 'and' && kind !== 'mode') return allOf(each());
  if (/^(?:gt|ge|lt|le)$/.test(key) && is(NUMBERS)) return { [key]: literalOf('number', value, below) };
  if (key === 'have-prefix' && is(STRINGS)) return { matches: BEGIN + literally(textOf(value, below)) };
  if (key === 'have-suffix' && is(STRINGS)) return { matches: literally(textOf(value, below)) + END };
  if (key === 'match-regexp' && is(STRINGS)) return { matches: regexp(value, below) };
  if (key === 'contain-substring' && is(STRINGS)) return { contains: textOf(value, below) };
  if (key === 'have-len' && is([...STRINGS, 'list'])) return { length: literalOf('number', value, below) };
  if (key === 'equal' && kind !== 'list') return literalOf(kind, value, below);
  if (kind === 'list') return ofList(key, value, below);
  if (kind === 'text') return ofText(key, value, below);
  if (key === 'semver-constraint' && is(STRINGS)) return { semver: value };
  throw unknown(key, below);
}

function ofList(key: string, value: unknown, path: DocumentPath): unknown {
  switch (key) {
    case 'contain-element':
      return { contains: elementOf(value, path) };
    case 'contain-elements':
      return { contains: listOf(value, path).map((part, i) => elementOf(part, [...path, i])) };
    case 'equal':
    case 'consist-of':
      return { equals: listOf(value, path).map((part, i) => textOf(part, [...path, i])) };
    case 'semver-constraint':
      // Of all versions, and there is one.
      return { all: [{ length: { ge: 1 } }, { not: { contains: { not: { semver: value } } } }] };
    default:
      throw unknown(key, path);
  }
}

function ofText(key: string, value: unknown, path: DocumentPath): unknown {
  switch (key) {
    case 'have-patterns':
      return allOf(listOf(value, path).map((part, i) => pattern(part, [...path, i])));
    case 'contain-element':
      return lineMatcher(value, path);
    case 'contain-elements':
      return allOf(listOf(value, path).map((part, i) => lineMatcher(part, [...path, i])));
    default:
      throw unknown(key, path);
  }
}

const unknown = (key: string, path: DocumentPath) =>
  new Refusal(path, `gvm has no equal of goss's matcher ${key} here`);
