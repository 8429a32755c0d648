import type { z } from 'zod';
import { clip, nearest } from '../core/index.ts';

// What is wrong with a document, in words: zod's issues made into one problem for each place.

export type Path = readonly PropertyKey[];

/** One problem at one place of a document. */
interface DocumentProblem {
  path: Path;
  message: string;
  /** The key is at fault, not its value. */
  onKey: boolean;
  /** Text was expected: a plain scalar that is none can be shown in quotes. */
  text: boolean;
}

type Issue = z.core.$ZodIssue;
type RawIssue = z.core.$ZodRawIssue;

const NOUNS: Record<string, string> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'keys with values',
  record: 'keys with values',
};

/** The message of an issue; schemas with a message of their own go first. For unknown keys one line each. */
export function explain(issue: RawIssue): string | undefined {
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = Object.keys((issue.inst as unknown as { shape?: object } | undefined)?.shape ?? {});
      return issue.keys
        .map((key) => {
          const guess = nearest(key, known);
          if (guess !== undefined) return `unknown key; did you mean "${guess}"?`;
          return known.length === 0 ? 'unknown key' : `unknown key; known here: ${known.join(', ')}`;
        })
        .join('\n');
    }
    case 'invalid_type':
      if (issue.input === undefined) return 'is missing';
      return `expected ${NOUNS[issue.expected] ?? issue.expected}, found ${shown(issue.input)}`;
    case 'invalid_value': {
      const values = issue.values.map(String);
      const guess = typeof issue.input === 'string' ? nearest(issue.input, values) : undefined;
      const wanted = values.length === 1 ? values[0] : `one of ${values.join(', ')}`;
      if (issue.input === undefined) return `is missing: expected ${wanted}`;
      return `expected ${wanted}, found ${shown(issue.input)}${guess === undefined ? '' : `; did you mean "${guess}"?`}`;
    }
    case 'too_small':
      return issue.minimum === 1 && issue.origin !== 'number' ? 'is empty' : undefined;
    default:
      return undefined;
  }
}

function shown(input: unknown): string {
  if (input === null) return 'nothing';
  if (Array.isArray(input)) return 'a list';
  if (typeof input === 'object') return 'keys with values';
  return clip(typeof input === 'string' ? `"${input}"` : String(input), 100);
}

/** The problems of one issue: of a union those of the branch that came furthest, of unknown keys one each. */
export function problemsOf(issue: Issue, prefix: Path = []): DocumentProblem[] {
  const path = [...prefix, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    const messages = issue.message.split('\n');
    return issue.keys.map((key, i) => ({
      path: [...path, key],
      message: messages[i] ?? 'unknown key',
      onKey: true,
      text: false,
    }));
  }
  if (issue.code === 'invalid_key') {
    const [first] = issue.issues;
    return [{ path, message: first?.message ?? issue.message, onKey: true, text: false }];
  }
  if (issue.code === 'invalid_union') {
    const furthest = [...issue.errors].sort((a, b) => progress(b) - progress(a))[0];
    if (furthest && progress(furthest) > 0) return furthest.flatMap((i) => problemsOf(i, path));
  }
  return [
    {
      path,
      message: issue.message,
      onKey: false,
      text: issue.message.startsWith('expected text') && expectsText(issue),
    },
  ];
}

/** How far a branch of a union came before it failed; 0 where the value is of another type altogether. */
function progress(branch: readonly Issue[]): number {
  return Math.max(...branch.map((i) => i.path.length + (i.code === 'invalid_type' || isForeign(i) ? 0 : 1)));
}

/** A union within a union, none of whose branches fits the type. */
function isForeign(issue: Issue): boolean {
  return issue.code === 'invalid_union' && issue.errors.every((branch) => progress(branch) === 0);
}

function expectsText(issue: Issue): boolean {
  if (issue.code === 'invalid_type') return issue.expected === 'string';
  return (
    issue.code === 'invalid_union' &&
    issue.errors.some((branch) => branch.some((i) => i.path.length === 0 && expectsText(i)))
  );
}
