// Reads the text files that depmod writes: modules.dep, modules.builtin, modules.softdep, modules.alias.
// Specification: modules.dep(5), modprobe.d(5). Not read: the binary forms (*.bin), which repeat them.

/** Files of a kernel's module tree, as far as they exist; each is the text of the file of that name. */
export interface ModuleFiles {
  dep: string;
  builtin?: string;
  softdep?: string;
  alias?: string;
}

export interface ModuleIndex {
  /** Module name (with `_`) to its file, relative to the tree. */
  files: ReadonlyMap<string, string>;
  /** Module name to the names that it needs. */
  needs: ReadonlyMap<string, readonly string[]>;
  /** Names built into the kernel. */
  builtin: ReadonlySet<string>;
  /** Module name to the names or aliases to load before it, where they exist. */
  before: ReadonlyMap<string, readonly string[]>;
  /** Alias without wildcards to module names. */
  aliases: ReadonlyMap<string, readonly string[]>;
}

/** The name of a module's file: `kernel/drivers/virtio-rng.ko.zst` is `virtio_rng`. */
export function moduleName(path: string): string {
  return (path.split('/').at(-1) ?? path).replace(/\.ko(\.(gz|xz|zst))?$/, '').replaceAll('-', '_');
}

/** Parses the files of a module tree; lines that make no sense are passed over. */
export function readModuleIndex(texts: ModuleFiles): ModuleIndex {
  const files = new Map<string, string>();
  const needs = new Map<string, string[]>();
  for (const line of texts.dep.split('\n')) {
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const path = line.slice(0, colon);
    files.set(moduleName(path), path);
    const rest = line
      .slice(colon + 1)
      .split(' ')
      .filter(Boolean);
    needs.set(moduleName(path), rest.map(moduleName));
  }
  const builtin = new Set((texts.builtin ?? '').split('\n').filter(Boolean).map(moduleName));
  const before = new Map<string, string[]>();
  for (const line of (texts.softdep ?? '').split('\n')) {
    const [keyword, name, ...words] = line.split(/\s+/);
    if (keyword !== 'softdep' || !name) continue;
    const list = before.get(name.replaceAll('-', '_')) ?? [];
    let taking = false;
    for (const word of words) {
      if (word === 'pre:' || word === 'post:') taking = word === 'pre:';
      else if (taking && word) list.push(word);
    }
    if (list.length > 0) before.set(name.replaceAll('-', '_'), list);
  }
  const aliases = new Map<string, string[]>();
  for (const line of (texts.alias ?? '').split('\n')) {
    const [keyword, alias, module] = line.split(' ');
    if (keyword !== 'alias' || !alias || !module || /[*?[]/.test(alias)) continue;
    const list = aliases.get(alias) ?? [];
    list.push(module.replaceAll('-', '_'));
    aliases.set(alias, list);
  }
  return { files, needs, builtin, before, aliases };
}
