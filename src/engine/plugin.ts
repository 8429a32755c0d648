import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vitest/config';
import type { SuitePlan } from '../suite/index.ts';

const worker = fileURLToPath(new URL(`./worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url));

/**
 * The vite plugin that turns a planned `*.gvm.yaml` into a module: each test is declared on the line where it stands
 * in the YAML file, so that vitest's own positions point there.
 */
export function suitePlugin(byPath: ReadonlyMap<string, SuitePlan>): Plugin {
  return {
    name: 'gvm:suites',
    enforce: 'pre',
    transform(_source, id) {
      const plan = byPath.get(id.split('?')[0] ?? id);
      return plan ? { code: moduleOf(plan), map: lineMap(id, plan) } : undefined;
    },
  };
}

function moduleOf({ tests, ...suite }: SuitePlan): string {
  const lines: string[] = [];
  const add = (line: number, code: string) => {
    lines[line - 1] = (lines[line - 1] ?? '') + code;
  };
  add(
    1,
    `import { declareSuite } from ${JSON.stringify(worker)}; declareSuite(${JSON.stringify(suite)}, (declare) => {`,
  );
  for (const test of tests) add(test.position.line, ` declare(${JSON.stringify(test)});`);
  const last = Math.max(1, ...tests.map((test) => test.position.line));
  add(last, ' });');
  return Array.from(lines, (line) => line ?? '').join('\n');
}

/** A source map in which every line of the module is the same line of the suite. */
function lineMap(source: string, { tests }: SuitePlan) {
  const count = Math.max(1, ...tests.map((test) => test.position.line));
  const mappings = Array.from({ length: count }, (_, i) => (i === 0 ? 'AAAA' : 'AACA')).join(';');
  return { version: 3, sources: [source], names: [], mappings };
}
