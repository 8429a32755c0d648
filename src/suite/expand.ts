// The variables of a suite, put into the document as it was read and before it is validated: `${name}` in any text
// becomes the value, and a test that mentions variables with several values becomes one test for each combination.
import { nearest } from '../core/index.ts';
import type { DocumentPath, Prepared } from '../schema/index.ts';

type Scalar = string | number | boolean;
type Values = ReadonlyMap<string, Scalar>;
type Problem = Prepared['problems'][number];

/** The document with its variables put in, and the texts that no report may show. */
export interface Expanded extends Prepared {
  secrets: string[];
}

const MENTION = /\$?\$\{([a-z][a-z0-9_-]*)\}/g;
const MOST_COMBINATIONS = 1000;

/**
 * Only a suite that has `vars` is touched. There `$${name}` stands for `${name}` itself; names with other
 * than lower-case letters, and all other forms of the shell, are left alone. Pure.
 * @param env where variables of the environment come from
 */
export function expandSuite(raw: unknown, env: Readonly<Record<string, string | undefined>>): Expanded {
  const untouched: Expanded = { value: raw, origin: (path) => path, problems: [], secrets: [] };
  if (!isMap(raw) || raw.vars === undefined) return untouched;
  const problems: Problem[] = [];
  const { values: vars, lists, secrets } = readVariables(raw.vars, env, problems);
  const fill = (key: string, value: unknown) => new Filler(vars, lists, problems).fill(value, [key]);
  const whole = Object.entries(raw).map(([key, value]): [string, unknown] => {
    const asRead = key === 'vars' || key === 'tests';
    return [key, asRead ? value : fill(key, value)];
  });
  const value: Record<string, unknown> = Object.fromEntries(whole);
  if (!Array.isArray(raw.tests)) return { ...untouched, value, problems, secrets };
  const tests = raw.tests.flatMap((test, index) =>
    combinations(test, index, lists, problems).map((combination) => {
      const filler = new Filler(new Map([...vars, ...combination]), new Map(), problems);
      return { index, test: named(filler.fill(test, ['tests', index]), test, combination) };
    }),
  );
  value.tests = tests.map(({ test }) => test);
  const origin = (path: DocumentPath): DocumentPath => {
    const found = path[0] === 'tests' ? tests[Number(path[1])] : undefined;
    return found ? ['tests', found.index, ...path.slice(2)] : path;
  };
  return { value, origin, problems: distinct(problems), secrets };
}

function readVariables(raw: unknown, env: Readonly<Record<string, string | undefined>>, problems: Problem[]) {
  const values = new Map<string, Scalar>();
  const lists = new Map<string, Scalar[]>();
  const secrets: string[] = [];
  for (const [name, value] of isMap(raw) ? Object.entries(raw) : []) {
    if (isScalar(value)) values.set(name, value);
    if (Array.isArray(value)) lists.set(name, value.filter(isScalar));
    if (!isMap(value) || typeof value.env !== 'string') continue;
    const found = env[value.env] ?? (isScalar(value.default) ? value.default : undefined);
    if (found === undefined) {
      problems.push({ path: ['vars', name, 'env'], message: `the environment has no variable ${value.env}` });
    }
    values.set(name, found ?? '');
    if (value.secret === true && found !== undefined) secrets.push(String(found));
  }
  return { values, lists, secrets };
}

/** What the variables with several values that a test mentions may be, all with all; one empty combination where it mentions none. */
function combinations(
  test: unknown,
  index: number,
  lists: ReadonlyMap<string, Scalar[]>,
  problems: Problem[],
): Map<string, Scalar>[] {
  const mentioned = mentionsOf(test);
  let all: Map<string, Scalar>[] = [new Map()];
  for (const [name, values] of lists) {
    if (!mentioned.has(name)) continue;
    all = all.flatMap((before) => values.map((value) => new Map([...before, [name, value]])));
    if (all.length <= MOST_COMBINATIONS) continue;
    problems.push({ path: ['tests', index], message: `has more than ${MOST_COMBINATIONS} combinations` });
    return [new Map()];
  }
  return all;
}

/** A test whose name does not tell which value it has says it after it. */
function named(filled: unknown, raw: unknown, combination: Values): unknown {
  if (!isMap(filled) || !isMap(raw) || typeof filled.name !== 'string') return filled;
  const told = mentionsOf(raw.name);
  const rest = [...combination].filter(([name]) => !told.has(name)).map(([name, value]) => `${name}=${value}`);
  return rest.length === 0 ? filled : { ...filled, name: `${filled.name} (${rest.join(', ')})` };
}

function mentionsOf(value: unknown): Set<string> {
  if (typeof value === 'string') {
    const found = [...value.matchAll(MENTION)].filter(([text]) => !text.startsWith('$$'));
    return new Set(found.map(([, name]) => name ?? ''));
  }
  const parts = Array.isArray(value) ? value : isMap(value) ? Object.values(value) : [];
  return new Set(parts.flatMap((part) => [...mentionsOf(part)]));
}

/** Puts values in the place of their names. */
class Filler {
  readonly #values: Values;
  /** Variables with several values, which cannot stand here. */
  readonly #elsewhere: ReadonlyMap<string, unknown>;
  readonly #problems: Problem[];

  constructor(values: Values, elsewhere: ReadonlyMap<string, unknown>, problems: Problem[]) {
    this.#values = values;
    this.#elsewhere = elsewhere;
    this.#problems = problems;
  }

  fill(value: unknown, path: DocumentPath): unknown {
    if (typeof value === 'string') return this.#text(value, path);
    if (Array.isArray(value)) return value.map((part, i) => this.fill(part, [...path, i]));
    if (!isMap(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, this.fill(part, [...path, key])]));
  }

  /** A text that is nothing but a mention becomes the value with its type. */
  #text(text: string, path: DocumentPath): Scalar {
    const [whole] = text.matchAll(MENTION);
    if (whole && whole[0] === text && !text.startsWith('$$')) return this.#value(whole[1] ?? '', path);
    return text.replace(MENTION, (mention, name: string) =>
      mention.startsWith('$$') ? mention.slice(1) : String(this.#value(name, path)),
    );
  }

  #value(name: string, path: DocumentPath): Scalar {
    const value = this.#values.get(name);
    if (value !== undefined) return value;
    this.#problems.push({ path, message: this.#unknown(name) });
    return `\${${name}}`;
  }

  #unknown(name: string): string {
    if (this.#elsewhere.has(name)) return `${name} has several values, and can stand in tests only`;
    const guess = nearest(name, this.#values.keys());
    const hint = guess === undefined ? `for the shell's own write $\${${name}}` : `did you mean "${guess}"?`;
    return `no variable is called ${name}; ${hint}`;
  }
}

/** Each combination of a test has the same problems. */
function distinct(problems: readonly Problem[]): Problem[] {
  return [...new Map(problems.map((problem) => [JSON.stringify(problem), problem])).values()];
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isScalar = (value: unknown): value is Scalar => ['string', 'number', 'boolean'].includes(typeof value);
