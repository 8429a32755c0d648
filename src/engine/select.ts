import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { glob } from 'tinyglobby';
import { GvmError } from '../errors/index.ts';
import { gossSuffixes, type SuitePlan } from '../suite/index.ts';

const SUFFIXES = ['.gvm.yaml', '.gvm.ts', ...gossSuffixes] as const;

/** Whether a suite is code. */
export function isScript(file: string): boolean {
  return file.endsWith('.gvm.ts');
}

/**
 * The suite files that paths mean: a file, all suites of a folder, or a glob. Sorted, each once.
 * @throws GvmError `nothing-to-run` naming the path that selects nothing
 */
export async function findSuiteFiles(paths: readonly string[], cwd: string): Promise<string[]> {
  const found = new Set<string>();
  for (const path of paths) {
    const files = await filesOf(path, cwd);
    if (files.length === 0) {
      throw new GvmError({
        code: 'nothing-to-run',
        message: `no suite at ${path}`,
        hint: `a path is a *${SUFFIXES.join(' or *')} file, a folder that holds some, or a glob`,
      });
    }
    for (const file of files) found.add(file);
  }
  return [...found].sort();
}

async function filesOf(path: string, cwd: string): Promise<string[]> {
  const absolute = resolve(cwd, path);
  if (!existsSync(absolute)) return await glob(path, { cwd, absolute: true, ignore: ['**/node_modules/**'] });
  if (statSync(absolute).isFile()) {
    if (SUFFIXES.some((suffix) => path.endsWith(suffix))) return [absolute];
    throw new GvmError({
      code: 'usage',
      message: `${path} is no suite: its name does not end in ${SUFFIXES.join(' or ')}`,
    });
  }
  return await glob(
    SUFFIXES.map((suffix) => `**/*${suffix}`),
    { cwd: absolute, absolute: true, ignore: ['**/node_modules/**'] },
  );
}

export interface Selection {
  tags: readonly string[];
  /** A regular expression over `suite > test`. */
  pattern: string | undefined;
  /** The ids of the tests that may run; undefined for all. */
  only?: ReadonlySet<string> | undefined;
}

/**
 * The plans with only the tests that the tags and the pattern select; suites without any are left out.
 * @throws GvmError `usage` for a bad pattern, `nothing-to-run` where nothing is left
 */
export function selectTests(plans: readonly SuitePlan[], { tags, pattern, only }: Selection): SuitePlan[] {
  const expression = compilePattern(pattern);
  for (const tag of tags) {
    if (plans.some((plan) => plan.tests.some((test) => test.tags.includes(tag)))) continue;
    throw new GvmError({ code: 'nothing-to-run', message: `no test carries the tag ${tag}` });
  }
  const selected = plans
    .map((plan) => ({
      ...plan,
      tests: plan.tests.filter(
        (test) =>
          test.role !== undefined ||
          ((!only || only.has(test.id)) &&
            (tags.length === 0 || test.tags.some((tag) => tags.includes(tag))) &&
            (!expression || expression.test(`${plan.name} > ${test.name}`))),
      ),
    }))
    .filter((plan) => plan.tests.some((test) => test.role === undefined));
  if (selected.length > 0) return selected;
  throw new GvmError({
    code: 'nothing-to-run',
    message: pattern === undefined ? 'the suites hold no test' : `no test matches ${pattern}`,
    hint: 'gvm test --list shows all tests',
  });
}

function compilePattern(pattern: string | undefined): RegExp | undefined {
  if (pattern === undefined) return undefined;
  try {
    return new RegExp(pattern, 'i');
  } catch (error) {
    throw new GvmError({ code: 'usage', message: `-t: ${(error as Error).message}` });
  }
}
