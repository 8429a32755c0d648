// Reads a YAML 1.2 document (core schema) into a validated value that still knows where each part stands.
// Specification: yaml.org/spec/1.2.2. Not read: several documents in one file, custom tags, merge keys.
import { isMap, isScalar, LineCounter, type Node, parseDocument } from 'yaml';
import type { z } from 'zod';
import { GvmError, type SourcePosition } from '../errors/index.ts';

type Path = readonly PropertyKey[];

/** A validated document: its value, and the place of any part of it. */
export interface LoadedDocument<T> {
  file: string;
  value: T;
  /** Where the value at a path stands; the nearest enclosing part where the path does not exist. */
  position(path: Path): SourcePosition;
}

const MAX_BYTES = 4 * 2 ** 20;

/**
 * Parses and validates YAML text. All problems of the document are reported in one error, each with its place.
 * @throws GvmError `document-syntax`, `document-invalid`
 */
export function loadDocument<T>(text: string, file: string, schema: z.ZodType<T>): LoadedDocument<T> {
  if (text.length > MAX_BYTES) {
    throw new GvmError({
      code: 'document-syntax',
      message: `the document has ${text.length} characters; at most ${MAX_BYTES} are read`,
      position: { file, line: 1, column: 1 },
    });
  }
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, version: '1.2', schema: 'core', uniqueKeys: true });
  const at = (offset: number): SourcePosition => {
    const { line, col } = counter.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const syntax = [...document.errors, ...document.warnings];
  if (syntax.length > 0) {
    throw problemsError(
      'document-syntax',
      syntax.map((e) => ({ position: at(e.pos[0]), message: e.message.split(' at line ')[0] ?? e.message })),
    );
  }
  let raw: unknown;
  try {
    raw = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw problemsError('document-syntax', [{ position: at(0), message: (error as Error).message }]);
  }
  const position = (path: Path) => at(nodeAt(document.contents, path).offset);
  const result = schema.safeParse(raw, { reportInput: true });
  if (!result.success) {
    const problems = result.error.issues
      .flatMap((issue) => flatten(issue))
      .map((issue) => describe(issue, document.contents, at));
    throw problemsError('document-invalid', problems);
  }
  return { file, value: result.data, position };
}

interface Problem {
  position: SourcePosition;
  message: string;
}

function problemsError(code: 'document-syntax' | 'document-invalid', problems: Problem[]): GvmError {
  const sorted = [...problems].sort(
    (a, b) => a.position.line - b.position.line || a.position.column - b.position.column,
  );
  const [first, ...rest] = sorted as [Problem, ...Problem[]];
  const more = rest.slice(0, 20).map((p) => `${p.position.file}:${p.position.line}:${p.position.column}: ${p.message}`);
  if (rest.length > 20) more.push(`… and ${rest.length - 20} more`);
  return new GvmError({
    code,
    message: [first.message, ...more].join('\n       '),
    position: first.position,
    details: { problems: sorted },
  });
}

/** The node at a path (or the deepest one that exists), and the offset to point at. */
function nodeAt(root: Node | null, path: Path): { node: Node | null; offset: number; key?: Node } {
  let node = root;
  let offset = root?.range?.[0] ?? 0;
  let key: Node | undefined;
  for (const step of path) {
    let next: unknown;
    if (isMap(node)) {
      const pair = node.items.find((p) => isScalar(p.key) && String(p.key.value) === String(step));
      if (!pair) break;
      key = pair.key as Node;
      next = pair.value ?? pair.key;
    } else if (node && 'items' in node && typeof step === 'number') {
      next = node.items[step];
    }
    if (!next || typeof next !== 'object') break;
    node = next as Node;
    offset = node.range?.[0] ?? offset;
  }
  return key ? { node, offset, key } : { node, offset };
}

type Issue = z.core.$ZodIssue;

/** The issues to show for one zod issue: of a union the branch that came furthest, of unknown keys one each. */
function flatten(issue: Issue, prefix: Path = []): { issue: Issue; path: Path }[] {
  const path = [...prefix, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ issue: { ...issue, keys: [key] }, path: [...path, key] }));
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const depth = (branch: Issue[]) =>
      Math.max(...branch.map((i) => i.path.length + (i.code === 'invalid_type' ? 0 : 1)));
    const deepest = [...issue.errors].sort((a, b) => depth(b) - depth(a))[0] ?? [];
    if (deepest.some((i) => i.path.length > 0 || i.code !== 'invalid_type'))
      return deepest.flatMap((i) => flatten(i, path));
  }
  return [{ issue, path }];
}

function describe({ issue, path }: { issue: Issue; path: Path }, root: Node | null, at: (o: number) => SourcePosition) {
  const { node, offset, key } = nodeAt(root, path);
  const name = path.length > 0 ? `${path.map(String).join('.')}: ` : '';
  if (issue.code === 'unrecognized_keys') {
    return { position: at(key?.range?.[0] ?? offset), message: `${name}unknown key` };
  }
  if (isScalar(node) && typeof node.value !== 'string' && node.source && expectsText(issue)) {
    return {
      position: at(offset),
      message: `${name}expected text, found the plain scalar ${node.source}; write "${node.source}"`,
    };
  }
  return { position: at(offset), message: `${name}${issue.message}` };
}

function expectsText(issue: Issue): boolean {
  if (issue.code === 'invalid_type') return issue.expected === 'string';
  return (
    issue.code === 'invalid_union' &&
    issue.errors.some((branch) => branch.some((i) => i.path.length === 0 && expectsText(i)))
  );
}
