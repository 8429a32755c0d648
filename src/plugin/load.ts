import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { GvmError } from '../errors/index.ts';
import type { Plugin } from './plugin.ts';

const callable = z.custom<(...args: never[]) => unknown>((value) => typeof value === 'function', 'expected a function');
const kind = z.looseObject({ name: z.string().min(1), description: z.string().min(1) });
const base = kind.extend({ schema: callable, label: callable });
const check = z.union([base.extend({ evaluate: callable }), base.extend({ requests: callable, judge: callable })], {
  error: 'expected name, description, schema, label, and either requests and judge, or evaluate',
});
const fact = kind.extend({ limit: callable, fragment: callable, parse: callable });
const matcher = z.looseObject({
  key: z.string().min(1),
  kinds: z.array(z.string()),
  argument: callable,
  match: callable,
});
const shape = z.strictObject({
  name: z.string().min(1),
  checks: z.array(check).optional(),
  facts: z.array(fact).optional(),
  matchers: z.array(matcher).optional(),
});

/**
 * Imports the files of plugins in their order. They are code of the project and run in gvm's own process.
 * @param files absolute paths of modules that Node can import
 * @throws GvmError `file-missing`, `plugin-invalid`
 */
export async function loadPlugins(files: readonly string[]): Promise<Plugin[]> {
  const plugins: Plugin[] = [];
  for (const file of files) plugins.push(await loadPlugin(file));
  return plugins;
}

async function loadPlugin(file: string): Promise<Plugin> {
  const loaded: { default?: unknown } = await import(pathToFileURL(file).href).catch((cause: NodeJS.ErrnoException) => {
    throw notLoaded(file, cause);
  });
  const parsed = shape.safeParse(loaded.default);
  if (parsed.success) return loaded.default as Plugin;
  const issue = parsed.error.issues[0];
  throw new GvmError({
    code: 'plugin-invalid',
    message: `${file}: its default export is no plugin: ${[...(issue?.path ?? []), issue?.message].join(': ')}`,
    hint: "export default definePlugin({ name, checks, facts, matchers }), from 'gvm-test/plugin'",
  });
}

function notLoaded(file: string, cause: NodeJS.ErrnoException): GvmError {
  const { code, message } = cause;
  const hint = message.includes("'gvm-test'")
    ? 'install gvm-test in the project that the plugin belongs to'
    : code === 'ERR_UNKNOWN_FILE_EXTENSION'
      ? 'this Node.js imports JavaScript only: .js or .mjs'
      : undefined;
  const missing = code === 'ERR_MODULE_NOT_FOUND' && message.includes(file);
  return new GvmError({
    code: missing ? 'file-missing' : 'plugin-invalid',
    message: missing ? `no such plugin: ${file}` : `the plugin ${file} cannot be loaded: ${message}`,
    hint,
    cause,
  });
}
