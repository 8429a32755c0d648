// Reads a YAML 1.2 document (core schema) into a validated value that still knows where each part stands.
// Specification: yaml.org/spec/1.2.2. Not read: several documents in one file, custom tags, merge keys.
import { type Document, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, visit } from 'yaml';
import type { z } from 'zod';
import { GvmError, isGvmError, type SourcePosition } from '../errors/index.ts';
import { explain, type Path, problemsOf } from './problem.ts';

/** A validated document: its value, and the place of any part of it. */
export interface LoadedDocument<T> {
  file: string;
  value: T;
  /** Where a part of the value stands in the document, where it was changed after reading. */
  origin(path: DocumentPath): DocumentPath;
  /** Where the value at a path stands; the nearest enclosing part where the path does not exist. */
  position(path: Path): SourcePosition;
  /** Line and column of everything at and below a path, by the JSON text of each path. */
  positionsBelow(path: Path): Record<string, [line: number, column: number]>;
}

/** A path into a document. */
export type DocumentPath = readonly (string | number)[];

/** A document that was changed between reading and validation. */
export interface Prepared {
  /** Undefined where nothing is left of it: then its problems are all that is said. */
  value: unknown;
  /** Where a part of the value stands in the document as it was written. */
  origin(path: DocumentPath): DocumentPath;
  /** What was wrong, by paths into the document as it was written. */
  problems: { path: DocumentPath; message: string }[];
}

const asWritten = (value: unknown): Prepared => ({ value, origin: (path) => path, problems: [] });

/** Characters; the parser is recursive and takes seconds for the worst text of this length. */
const MAX_LENGTH = 2 ** 20;
const MAX_SHOWN = 20;
const MAX_ALIASES = 100;

/**
 * Parses and validates YAML text. `prepare` may change what was read before it is validated. All problems of the document are reported in one error, each with its place.
 * @throws GvmError `document-syntax`, `document-invalid`
 */
export function loadDocument<T>(
  text: string,
  file: string,
  schema: z.ZodType<T>,
  prepare: (raw: unknown) => Prepared = asWritten,
): LoadedDocument<T> {
  if (text.length > MAX_LENGTH) {
    throw new GvmError({
      code: 'document-syntax',
      message: `the document has ${text.length} characters; at most ${MAX_LENGTH} are read`,
      position: { file, line: 1, column: 1 },
    });
  }
  const counter = new LineCounter();
  const at = (offset: number): SourcePosition => {
    const { line, col } = counter.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  let document: Document.Parsed;
  let raw: unknown;
  try {
    document = parseDocument(text, { lineCounter: counter, version: '1.2', schema: 'core', uniqueKeys: true });
    const syntax = [...document.errors, ...document.warnings].map((e) => ({
      position: at(e.pos[0]),
      message: wordingOf(e.message.split(' at line ')[0] ?? e.message),
    }));
    if (syntax.length === 0) syntax.push(...unreadable(document).map((u) => ({ ...u, position: at(u.offset) })));
    if (syntax.length > 0) throw problemsError('document-syntax', syntax);
    raw = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    if (isGvmError(error)) throw error;
    // Aliases that would grow without bound are reported as a plain error.
    throw problemsError('document-syntax', [{ position: at(0), message: wordingOf((error as Error).message) }]);
  }
  const lineOf = (offset: number) => counter.linePos(offset).line;
  const prepared = prepare(raw);
  const result = schema.safeParse(prepared.value, { reportInput: true, error: explain });
  if (!result.success || prepared.problems.length > 0) {
    const issues = prepared.value === undefined && prepared.problems.length > 0 ? [] : result.error?.issues;
    const found = issues?.flatMap((issue) => problemsOf(issue)) ?? [];
    const own = prepared.problems.map((problem) => ({ ...problem, onKey: false, text: false }));
    const moved = found.map((problem) => ({ ...problem, path: prepared.origin(problem.path as DocumentPath) }));
    const problems = [...own, ...moved].map(({ path, message, onKey, text }) => {
      const place = placeOf(document.contents, path, lineOf);
      const name = path.length > 0 ? `${path.map(String).join('.')}: ` : '';
      const { node } = place;
      const mistyped = text && isScalar(node) && typeof node.value !== 'string' && node.source;
      return {
        position: at(onKey ? (place.key ?? place.offset) : place.offset),
        message: mistyped
          ? `${name}expected text, found the plain scalar ${node.source}; write "${node.source}"`
          : `${name}${message}`,
      };
    });
    throw problemsError('document-invalid', problems);
  }
  return {
    file,
    value: result.data,
    origin: prepared.origin,
    position: (path) => at(placeOf(document.contents, path, lineOf).offset),
    positionsBelow(path) {
      const table: Record<string, [number, number]> = {};
      const visit = (below: Path): void => {
        const { node, offset, found } = placeOf(document.contents, below, lineOf);
        if (!found) return;
        const { line, column } = at(offset);
        table[JSON.stringify(below)] = [line, column];
        for (const step of stepsOf(node)) visit([...below, step]);
      };
      visit(path);
      return table;
    },
  };
}

/** The parser and everything behind it is recursive: what is too deep for it overflows the stack. */
function wordingOf(message: string): string {
  return message.includes('call stack') ? 'the document is nested too deeply' : message;
}

/** What YAML allows and gvm has no use for: keys that are no scalars, aliases without an anchor or in great number. */
function unreadable(document: Document.Parsed): { offset: number; message: string }[] {
  const found: { offset: number; message: string }[] = [];
  let aliases = 0;
  visit(document, {
    Pair(_, { key }) {
      if (!isScalar(key))
        found.push({
          offset: (key as Node | null)?.range?.[0] ?? 0,
          message: 'a key is a plain word or text in quotes',
        });
    },
    Alias(_, alias) {
      aliases++;
      const offset = alias.range?.[0] ?? 0;
      if (aliases > MAX_ALIASES) found.push({ offset, message: `a document has at most ${MAX_ALIASES} aliases` });
      else if (!alias.resolve(document))
        found.push({ offset, message: `no anchor before it is called ${alias.source}` });
      return aliases > MAX_ALIASES ? visit.BREAK : undefined;
    },
  });
  return found;
}

interface Problem {
  position: SourcePosition;
  message: string;
}

function problemsError(code: 'document-syntax' | 'document-invalid', problems: Problem[]): GvmError {
  const sorted = [...new Map(problems.map((p) => [JSON.stringify(p), p])).values()].sort(
    (a, b) => a.position.line - b.position.line || a.position.column - b.position.column,
  );
  const [first, ...rest] = sorted as [Problem, ...Problem[]];
  const more = rest
    .slice(0, MAX_SHOWN)
    .map((p) => `${p.position.file}:${p.position.line}:${p.position.column}: ${p.message}`);
  if (rest.length > MAX_SHOWN) more.push(`… and ${rest.length - MAX_SHOWN} more`);
  return new GvmError({
    code,
    message: [first.message, ...more].join('\n       '),
    position: first.position,
    details: { problems: sorted },
  });
}

/** The keys or indices of a collection; an alias has none of its own. */
function stepsOf(node: Node | null): (string | number)[] {
  if (isMap(node)) return node.items.flatMap((pair) => (isScalar(pair.key) ? [String(pair.key.value)] : []));
  if (isSeq(node)) return node.items.map((_, i) => i);
  return [];
}

interface Place {
  node: Node | null;
  /** The whole path exists. */
  found: boolean;
  /** Where to point: at the value where it begins on the line of its key, else at the key. */
  offset: number;
  key?: number;
}

/** The node at a path, or the deepest one on the way to it that exists. */
function placeOf(root: Node | null, path: Path, lineOf: (offset: number) => number): Place {
  let place: Place = { node: root, found: true, offset: root?.range?.[0] ?? 0 };
  const nearest = () => ({ ...place, found: false });
  for (const step of path) {
    const { node } = place;
    if (isMap(node)) {
      const pair = node.items.find((p) => isScalar(p.key) && String(p.key.value) === String(step));
      const key = (pair?.key as Node | undefined)?.range?.[0];
      if (!pair || key === undefined) return nearest();
      const value = pair.value as Node | null;
      const from = value?.range?.[0] ?? key;
      place = { node: value, found: true, key, offset: lineOf(from) === lineOf(key) ? from : key };
    } else if (isSeq(node) && typeof step === 'number') {
      const item = node.items[step] as Node | undefined;
      if (!item) return nearest();
      place = { node: item, found: true, offset: item.range?.[0] ?? place.offset };
    } else return nearest();
  }
  return place;
}
