import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { TestCase, TestModule } from 'vitest/node';
import { GvmError } from '../errors/index.ts';
import { scriptSchema } from '../schema/index.ts';
import type { PlannedTest, SuitePlan } from '../suite/index.ts';
import { collectOnVitest, type RunnerOptions } from './runner.ts';

/**
 * The plans of suites in TypeScript: their files are run once without a guest, and say which tests they have.
 * @param files relative to `cwd`
 * @throws GvmError `document-invalid` with the place, for a file that throws or that is no suite
 */
export async function planScripts(
  files: readonly string[],
  options: Pick<RunnerOptions, 'cwd' | 'signal' | 'scratch'>,
): Promise<SuitePlan[]> {
  if (files.length === 0) return [];
  const modules = await collectOnVitest(files, options);
  return await Promise.all(files.map((file) => planOf(file, modules, options.cwd)));
}

async function planOf(file: string, modules: readonly TestModule[], cwd: string): Promise<SuitePlan> {
  const path = resolve(cwd, file);
  const module = modules.find(({ moduleId }) => moduleId === path);
  const refuse = (message: string, line = 1, column = 1) =>
    new GvmError({ code: 'document-invalid', message, position: { file, line, column } });
  const [error] = module?.errors() ?? [];
  if (error) {
    const place = error.stacks?.find((frame) => frame.file === path);
    throw refuse(error.message, place?.line, place?.column);
  }
  const cases = [...(module?.children.allTests() ?? [])];
  const [first] = cases;
  const keys = first?.meta().gvm?.script?.suite;
  if (!keys) throw refuse('is no suite: it declares no test', 1, 1);
  const parsed = scriptSchema.safeParse(keys);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw refuse(`suite(): ${[issue?.path.join('.'), issue?.message].filter(Boolean).join(': ')}`);
  }
  const { suite, image, machine, matrix, channel = 'auto', isolation, identity, tags = [] } = parsed.data;
  const text = await readFile(path, 'utf8');
  const lines = text.split('\n');
  const tests = cases.map((found, i) => planTest(found, { suite, file, tags, lines }, i));
  const names = new Set<string>();
  for (const { name, position } of tests) {
    if (names.has(name)) throw refuse(`a test before it is called "${name}" as well`, position.line, position.column);
    names.add(name);
  }
  return {
    key: file,
    name: suite,
    file,
    sha256: createHash('sha256').update(text).digest('hex'),
    ...(image === undefined ? {} : { image }),
    machine: machine ?? {},
    ...(matrix === undefined ? {} : { matrix }),
    channel,
    isolation,
    ...(identity === undefined ? {} : { identity }),
    tags,
    secrets: [],
    tests,
    positions: {},
  };
}

function planTest(
  found: TestCase,
  { suite, file, tags, lines }: { suite: string; file: string; tags: readonly string[]; lines: readonly string[] },
  index: number,
): PlannedTest {
  const { line, column } = found.location ?? { line: 1, column: 1 };
  const script = found.meta().gvm?.script;
  return {
    id: `${suite}/${found.name}`,
    name: found.name,
    path: ['tests', index],
    tags: [...new Set([...tags, ...(script?.tags ?? [])])],
    position: { file, line, column },
    ...(script?.skip === undefined ? {} : { skip: script.skip }),
    timeout: script?.timeout ?? 0,
    steps: [],
    positions: {},
    source: { [line]: (lines[line - 1] ?? '').trimEnd().slice(0, 500) },
  };
}
