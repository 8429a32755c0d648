import { type ModuleIndex, moduleName } from './dep.ts';

export interface ResolvedModules {
  /** Files in an order in which each can be loaded, relative to the module tree. */
  paths: string[];
  /** Wanted names that are neither modules of the tree nor built in. */
  missing: string[];
}

/** What must be loaded, and in which order, so that the wanted modules work. Soft dependencies count where they exist. */
export function resolveModules(index: ModuleIndex, wanted: readonly string[]): ResolvedModules {
  const paths: string[] = [];
  const missing: string[] = [];
  const done = new Set<string>();
  const load = (name: string): void => {
    if (done.has(name)) return;
    // Marked before its dependencies: a circle in the file ends here instead of running for ever.
    done.add(name);
    const file = index.files.get(name);
    if (file === undefined) return;
    for (const soft of index.before.get(name) ?? []) for (const found of lookUp(index, soft)) load(found);
    for (const need of index.needs.get(name) ?? []) load(need);
    paths.push(file);
  };
  for (const want of wanted) {
    const name = moduleName(want);
    if (index.files.has(name)) load(name);
    else if (!index.builtin.has(name)) missing.push(want);
  }
  return { paths, missing };
}

function lookUp(index: ModuleIndex, nameOrAlias: string): readonly string[] {
  const name = moduleName(nameOrAlias);
  if (index.files.has(name)) return [name];
  return index.aliases.get(nameOrAlias) ?? [];
}
