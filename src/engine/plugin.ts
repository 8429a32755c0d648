import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vitest/config';
import type { PlannedTest, SuitePlan } from '../suite/index.ts';
import { isScript } from './select.ts';
import type { DeclaredSuite } from './worker.ts';

const worker = fileURLToPath(new URL(`./worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url));

/**
 * The vite plugin that turns a planned `*.gvm.yaml` into a module: each test is declared on the line where it stands
 * in the YAML file, so that vitest's own positions point there.
 */
export function suitePlugin(byPath: ReadonlyMap<string, readonly SuitePlan[]>): Plugin {
  return {
    name: 'gvm:suites',
    enforce: 'pre',
    transform(_source, id) {
      const plans = byPath.get(id.split('?')[0] ?? id);
      if (!plans || isScript(id)) return undefined;
      const tests = testsOf(plans);
      return { code: moduleOf(plans, tests), map: lineMap(id, tests) };
    },
  };
}

/** A test of a file, and its id in each plan, null where that does not have it. */
interface DeclaredTest {
  test: PlannedTest;
  ids: (string | null)[];
}

/** The tests of a file. Its plans are cells of one suite, and a selection may have left some of the tests in some. */
function testsOf(plans: readonly SuitePlan[]): DeclaredTest[] {
  const found = new Map<string, DeclaredTest>();
  for (const [index, { tests }] of plans.entries()) {
    for (const test of tests) {
      const place = JSON.stringify([test.position, test.name]);
      const declared = found.get(place) ?? { test, ids: plans.map(() => null) };
      declared.ids[index] = test.id;
      found.set(place, declared);
    }
  }
  return [...found.values()];
}

function moduleOf(plans: readonly SuitePlan[], tests: readonly DeclaredTest[]): string {
  const suites = plans.map(({ tests: own, ...suite }): DeclaredSuite => {
    const free = own.filter(({ role }) => role === undefined);
    const asWritten = free.every((test, i) => test.position.line >= (free[i - 1]?.position.line ?? 0));
    return asWritten ? suite : { ...suite, order: own.map(({ id }) => id) };
  });
  const lines: string[] = [];
  const add = (line: number, code: string) => {
    lines[line - 1] = (lines[line - 1] ?? '') + code;
  };
  add(
    1,
    `import { declareSuite } from ${JSON.stringify(worker)}; declareSuite(${JSON.stringify(suites)}, (declare) => {`,
  );
  const last = Math.max(1, ...tests.map(({ test }) => test.position.line));
  // They run in the order of their lines: a setup comes first and a teardown last, wherever they are written.
  const lineOf = ({ role, position }: PlannedTest) =>
    role === undefined ? position.line : role === 'setup' ? 1 : last;
  for (const { test, ids } of tests) {
    add(lineOf(test), ` declare(${JSON.stringify(test)}, ${JSON.stringify(ids)});`);
  }
  add(last, ' });');
  return Array.from(lines, (line) => line ?? '').join('\n');
}

/** A source map in which every line of the module is the same line of the suite. */
function lineMap(source: string, tests: readonly DeclaredTest[]) {
  const count = Math.max(1, ...tests.map(({ test }) => test.position.line));
  const mappings = Array.from({ length: count }, (_, i) => (i === 0 ? 'AAAA' : 'AACA')).join(';');
  return { version: 3, sources: [source], names: [], mappings };
}
