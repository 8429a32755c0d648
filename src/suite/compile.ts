import { createHash } from 'node:crypto';
import { GvmError } from '../errors/index.ts';
import {
  type LoadedDocument,
  loadDocument,
  type SchemaSources,
  type SuiteDocument,
  suiteSchema,
  type TestDocument,
} from '../schema/index.ts';
import type { Registry } from './check.ts';
import { expectations } from './matchers/expectations.ts';
import type { Eventually, PlannedCheck, PlannedTest, SuitePlan } from './plan.ts';

const TEST_TIMEOUT = 120_000;
const LONGEST_LINE = 500;
const EVERY = 1000;

/** What a registry's checks and facts add to the schemas of documents. */
export function schemaSources(registry: Registry): SchemaSources {
  const expect = expectations(registry.matchers);
  const checks = registry.checks.map((check) => ({
    name: check.name,
    description: check.description,
    schema: check.schema(expect),
    subject: check.subject,
    bare: check.bare,
    contradiction: (declaration: never) => check.contradiction?.(declaration),
  }));
  return { checks, facts: registry.facts };
}

/**
 * Makes a plan of a suite's text. All problems are reported at once, each at file:line:column.
 * @param file the name that positions show
 * @throws GvmError `document-syntax`, `document-invalid`
 */
export function compileSuite(text: string, file: string, registry: Registry): SuitePlan {
  const document = loadDocument(text, file, suiteSchema(schemaSources(registry).checks));
  const { suite, image, machine, matrix, isolation, tags = [], tests } = document.value;
  const lines = text.split('\n');
  return {
    key: file,
    name: suite,
    file,
    sha256: createHash('sha256').update(text).digest('hex'),
    ...(image === undefined ? {} : { image }),
    machine: machine ?? {},
    ...(matrix === undefined ? {} : { matrix }),
    isolation,
    tags,
    tests: tests.map((test, i) => planTest(document, lines, test, i, registry)),
    positions: {
      ...document.positionsBelow(['suite']),
      ...document.positionsBelow(['image']),
      ...document.positionsBelow(['machine']),
    },
  };
}

function planTest(
  document: LoadedDocument<SuiteDocument>,
  lines: readonly string[],
  test: TestDocument,
  index: number,
  registry: Registry,
): PlannedTest {
  const { suite, tags = [] } = document.value;
  const path = ['tests', index];
  const positions = document.positionsBelow(path);
  const numbers = new Set(Object.values(positions).map(([line]) => line));
  return {
    id: `${suite}/${test.name}`,
    name: test.name,
    tags: [...new Set([...tags, ...(test.tags ?? [])])],
    position: document.position(path),
    ...(test.skip === undefined ? {} : { skip: test.skip }),
    timeout: test.timeout ?? TEST_TIMEOUT,
    checks: planChecks(document, test, path, registry),
    positions,
    source: Object.fromEntries([...numbers].map((n) => [n, (lines[n - 1] ?? '').trimEnd().slice(0, LONGEST_LINE)])),
  };
}

/** The checks in the order in which they are written; validation has put the keys into that of the schema. */
function planChecks(
  document: LoadedDocument<SuiteDocument>,
  test: TestDocument,
  path: readonly (string | number)[],
  registry: Registry,
): PlannedCheck[] {
  const forAll = test.eventually;
  const kinds = new Set(registry.checks.map((check) => check.name));
  const place = (kind: string) => document.position([...path, kind]);
  return Object.keys(test)
    .filter((key) => kinds.has(key))
    .sort((a, b) => place(a).line - place(b).line || place(a).column - place(b).column)
    .flatMap((kind) => {
      const value = test[kind];
      const list = Array.isArray(value) ? value : [value];
      return list.map((item, i): PlannedCheck => {
        const { eventually = forAll, ...declaration } = item as Record<string, unknown> & {
          eventually?: { within: number; every?: number | undefined };
        };
        return {
          kind,
          declaration,
          path: Array.isArray(value) ? [...path, kind, i] : [...path, kind],
          ...(eventually === undefined ? {} : { eventually: withPause(eventually) }),
        };
      });
    });
}

const withPause = ({ within, every = EVERY }: { within: number; every?: number | undefined }): Eventually => ({
  within,
  every,
});

/**
 * Refuses suites of one run that have the same name: tests are told apart by `suite/name`.
 * @throws GvmError `document-invalid`
 */
export function refuseSameNames(plans: readonly SuitePlan[]): void {
  const first = new Map<string, SuitePlan>();
  for (const plan of plans) {
    const before = first.get(plan.name);
    if (!before) {
      first.set(plan.name, plan);
      continue;
    }
    const [line, column] = plan.positions['["suite"]'] ?? [1, 1];
    throw new GvmError({
      code: 'document-invalid',
      message: `suite: the name "${plan.name}" is taken by ${before.file}`,
      hint: 'give each suite of a project a name of its own',
      position: { file: plan.file, line, column },
    });
  }
}
