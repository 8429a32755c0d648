import { GvmError } from '../errors/index.ts';
import { conditionKeys } from '../schema/index.ts';
import type { Registry } from '../suite/index.ts';
import type { Plugin } from './plugin.ts';

/** Keys of a test and of a check that no kind may take. */
const RESERVED = new Set(['name', 'tags', 'timeout', 'steps', ...conditionKeys]);
const NAME = /^[a-z][a-z0-9_-]{0,63}$/;

/**
 * The registry that knows the kinds of the plugins as well. Pure; the one it is given stays as it is.
 * @throws GvmError `plugin-invalid` for a name that is taken, reserved or unfit
 */
export function withPlugins(builtins: Registry, plugins: readonly Plugin[]): Registry {
  const facts = joined(
    'fact',
    builtins.facts,
    plugins,
    (plugin) => plugin.facts,
    (fact) => fact.name,
  );
  const checks = joined(
    'check',
    builtins.checks,
    plugins,
    (plugin) => plugin.checks,
    (check) => check.name,
  );
  const matchers = joined(
    'matcher',
    builtins.matchers,
    plugins,
    (plugin) => plugin.matchers,
    (m) => m.key,
  );
  return { checks, facts, matchers };
}

function joined<T>(
  kind: string,
  own: readonly T[],
  plugins: readonly Plugin[],
  partOf: (plugin: Plugin) => readonly T[] | undefined,
  nameOf: (item: T) => string,
): readonly T[] {
  const owners = new Map(own.map((item) => [nameOf(item), 'gvm']));
  const added = plugins.flatMap((plugin) =>
    (partOf(plugin) ?? []).map((item) => {
      const name = nameOf(item);
      const refuse = (message: string) =>
        new GvmError({ code: 'plugin-invalid', message: `plugin ${plugin.name}: the ${kind} ${name} ${message}` });
      const owner = owners.get(name);
      if (owner !== undefined) throw refuse(`is there already, from ${owner}`);
      if (!NAME.test(name)) throw refuse('needs a name of lower-case letters, digits, "_" and "-"');
      if (kind === 'check' && RESERVED.has(name)) throw refuse('has the name of a key that every test has');
      owners.set(name, `plugin ${plugin.name}`);
      return item;
    }),
  );
  return [...own, ...added];
}
