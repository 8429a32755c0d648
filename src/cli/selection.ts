import { rmSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { GvmError } from '../errors/index.ts';
import { loadPlugins, withPlugins } from '../plugin/index.ts';
import { scratchFolder } from '../process/index.ts';
import { lastFailed, openRecords } from '../report/index.ts';
import type { MatrixKeys } from '../schema/index.ts';
import { builtins, expandCells, loadSuite, type Registry, refuseSameNames, type SuitePlan } from '../suite/index.ts';
import type { Context } from './command.ts';
import { countOf } from './jobs.ts';
import type { OptionName } from './options.ts';

/** The options that say which tests of which suites are meant, in which cells. */
export const selectionOptions = [
  'image',
  'kernel',
  'tests',
  'tag',
  'last-failed',
  'repeat',
  'data-only',
] as const satisfies OptionName[];

/** vitest is loaded here and nowhere else. */
export const engine = () => import('../engine/index.ts');

/** Suites that are code, and what can be said in those that are data. */
export interface Language {
  registry: Registry;
  /** The modules of the project's plugins. */
  plugins: string[];
}

/** @throws GvmError `code-refused` for plugins under --data-only */
export async function languageOf(context: Context): Promise<Language> {
  const { plugins, file } = await context.settings();
  if (plugins.length > 0 && context.flag('data-only')) {
    const message = `${file}: plugins are code, and --data-only runs none`;
    throw new GvmError({ code: 'code-refused', message, hint: 'take plugins: out, or run it where code is trusted' });
  }
  return { registry: withPlugins(builtins, await loadPlugins(plugins)), plugins };
}

/** The suites that the words and options select, compiled. Those in TypeScript are run once to learn their tests. */
export async function selectPlans(context: Context, { registry }: Language, signal: AbortSignal): Promise<SuitePlan[]> {
  const { findSuiteFiles, isScript, planScripts, selectTests } = await engine();
  const paths = context.words.length > 0 ? context.words : [(await context.settings()).suites];
  const files = (await findSuiteFiles(paths, context.cwd)).map((file) => relative(context.cwd, file));
  const scripts = files.filter(isScript);
  if (scripts.length > 0 && context.flag('data-only')) {
    const message = `${scripts.join(', ')}: a suite in TypeScript is code, and --data-only runs none`;
    throw new GvmError({ code: 'code-refused', message });
  }
  const data = files.filter((file) => !isScript(file));
  const loaded = await Promise.all(data.map((file) => loadSuite(resolve(context.cwd, file), registry, file)));
  const planned = scripts.length === 0 ? [] : await planInScratch(scripts);
  const plans = [...loaded, ...planned].sort((x, y) => files.indexOf(x.file) - files.indexOf(y.file));
  refuseSameNames(plans);
  const cells = expandCells(plans, (await context.settings()).matrix, matrixOf(context), countOf(context, 'repeat', 1));
  const only = context.flag('last-failed') ? await lastFailedTests(context) : undefined;
  return selectTests(cells, { tags: context.texts('tag'), pattern: context.text('tests'), only });

  async function planInScratch(found: readonly string[]): Promise<SuitePlan[]> {
    const scratch = scratchFolder();
    try {
      return await planScripts(found, { cwd: context.cwd, signal, scratch });
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  }
}

/** What the command line says of the matrix. */
function matrixOf(context: Context): MatrixKeys {
  const [image, kernel] = [context.texts('image'), context.texts('kernel')];
  return { ...(image.length > 0 ? { image } : {}), ...(kernel.length > 0 ? { kernel } : {}) };
}

/** The tests that failed in the newest run that is remembered. @throws GvmError `nothing-to-run` */
async function lastFailedTests(context: Context): Promise<Set<string>> {
  const [last] = await openRecords((await context.state()).home, (await context.settings()).root).list();
  const failed = last && lastFailed(last);
  if (failed && failed.size > 0) return failed;
  throw new GvmError({
    code: 'nothing-to-run',
    message: last ? `no test failed in the last run, ${last.id}` : 'no earlier run of this project is known',
    hint: 'gvm test without --last-failed runs all tests',
  });
}
