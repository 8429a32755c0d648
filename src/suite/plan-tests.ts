import {
  type ConditionsDocument,
  conditionKeys,
  type LoadedDocument,
  type NeedsDocument,
  type StepDocument,
  type SuiteDocument,
  type TestDocument,
} from '../schema/index.ts';
import type { Registry } from './check.ts';
import type { Conditions, Eventually, PlannedCheck, PlannedTest } from './plan.ts';

const TEST_TIMEOUT = 120_000;
const LONGEST_LINE = 500;
const EVERY = 1000;

type Path = readonly (string | number)[];

/** The tests of a suite in their order; its setup and its teardown stand around them. */
export function planTests(
  document: LoadedDocument<SuiteDocument>,
  lines: readonly string[],
  registry: Registry,
): PlannedTest[] {
  const { files = [], setup = [], tests, teardown } = document.value;
  const planner = new Planner(document, lines, registry);
  return [
    ...(files.length + setup.length > 0 ? [planner.frame('setup', setup, files)] : []),
    ...tests.map((test, i) => planner.test(test, ['tests', i])),
    ...(teardown ? [planner.frame('teardown', teardown)] : []),
  ];
}

/** A test that stands in no document: all its positions are the beginning of a file. */
export function planLoose(test: TestDocument, registry: Registry, file: string): PlannedTest {
  const position = () => ({ file, line: 1, column: 1 });
  const value = { suite: 'checks', isolation: 'file' as const, tests: [test] };
  const document = { file, value, origin: (path: Path) => path, position, positionsBelow: () => ({}) };
  return new Planner(document, [], registry).test(test, []);
}

class Planner {
  readonly #document: LoadedDocument<SuiteDocument>;
  readonly #lines: readonly string[];
  readonly #kinds: ReadonlySet<string>;

  constructor(document: LoadedDocument<SuiteDocument>, lines: readonly string[], registry: Registry) {
    this.#document = document;
    this.#lines = lines;
    this.#kinds = new Set(registry.checks.map((check) => check.name));
  }

  /** @param path its place in the document as it was validated; the plan has those of the document as it was written */
  test(test: TestDocument, path: Path): PlannedTest {
    const { tags = [], needs } = this.#document.value;
    const steps = test.steps
      ? test.steps.map((step, i) => this.#checks(step, [...path, 'steps', i], undefined))
      : [this.#checks(test, path, test.eventually)];
    return {
      ...this.#common(test.name, this.#document.origin(path)),
      tags: [...new Set([...tags, ...(test.tags ?? [])])],
      ...conditionsOf(test, needs),
      timeout: test.timeout ?? TEST_TIMEOUT,
      steps,
      ...milestonesOf(test.steps ?? [], 0),
    };
  }

  /** Setup or teardown. */
  frame(
    role: 'setup' | 'teardown',
    steps: readonly StepDocument[],
    files: readonly Record<string, unknown>[] = [],
  ): PlannedTest {
    const { needs } = this.#document.value;
    const uploads = files.map((declaration, i): PlannedCheck[] => [
      { kind: 'upload', declaration, path: ['files', i] },
    ]);
    const [first, more] = [this.#common(role, [role]), this.#common(role, ['files'])];
    return {
      ...(steps.length > 0 ? first : more),
      ...(uploads.length > 0
        ? { positions: { ...first.positions, ...more.positions }, source: { ...first.source, ...more.source } }
        : {}),
      role,
      tags: [],
      ...conditionsOf({}, needs),
      timeout: TEST_TIMEOUT,
      steps: [...uploads, ...steps.map((step, i) => this.#checks(step, [role, i], undefined))],
      ...milestonesOf(steps, uploads.length),
    };
  }

  #common(name: string, path: Path) {
    const positions = this.#document.positionsBelow(path);
    const numbers = new Set(Object.values(positions).map(([line]) => line));
    const textOf = (line: number) => (this.#lines[line - 1] ?? '').trimEnd().slice(0, LONGEST_LINE);
    return {
      id: `${this.#document.value.suite}/${name}`,
      name,
      path,
      position: this.#document.position(path),
      positions,
      source: Object.fromEntries([...numbers].map((line) => [line, textOf(line)])),
    };
  }

  /** The checks in the order in which they are written; validation has put the keys into that of the schema. */
  #checks(holder: Record<string, unknown>, path: Path, forAll: ConditionsDocument['eventually']): PlannedCheck[] {
    const origin = this.#document.origin;
    const place = (kind: string) => this.#document.position(origin([...path, kind]));
    return Object.keys(holder)
      .filter((key) => this.#kinds.has(key))
      .sort((a, b) => place(a).line - place(b).line || place(a).column - place(b).column)
      .flatMap((kind) => {
        const value = holder[kind];
        const list = Array.isArray(value) ? value : [value];
        return list.map((item: Record<string, unknown>, i): PlannedCheck => {
          const own = Object.entries(item).filter(([key]) => !conditionKeys.includes(key));
          const conditions = item as ConditionsDocument;
          const eventually = conditions.eventually ?? forAll;
          return {
            kind,
            declaration: Object.fromEntries(own),
            path: origin(Array.isArray(value) ? [...path, kind, i] : [...path, kind]),
            ...(eventually === undefined ? {} : { eventually: withPause(eventually) }),
            ...conditionsOf(conditions),
          };
        });
      });
  }
}

/** @param before how many steps come before these */
function milestonesOf(steps: readonly StepDocument[], before: number): Pick<PlannedTest, 'milestones'> {
  const milestones = steps.flatMap(({ milestone }, i) => (milestone === true ? [before + i] : []));
  return milestones.length > 0 ? { milestones } : {};
}

function conditionsOf({ skip, only_if, xfail, needs }: ConditionsDocument, ofSuite?: NeedsDocument): Conditions {
  const all = [ofSuite, needs].filter((part) => part !== undefined);
  return {
    ...(skip === undefined ? {} : { skip }),
    ...(only_if === undefined ? {} : { onlyIf: only_if }),
    ...(xfail === undefined ? {} : { xfail }),
    ...(all.length === 0 ? {} : { needs: all }),
  };
}

const withPause = ({ within, every = EVERY }: NonNullable<ConditionsDocument['eventually']>): Eventually => ({
  within,
  every,
});
