import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vitest/config';

const suffix = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
const moduleAt = (path: string) => fileURLToPath(new URL(`${path}.${suffix}`, import.meta.url));

/** What suites may import of gvm, by name. */
const modules: Readonly<Record<string, string>> = {
  'gvm-test': moduleAt('../index'),
  'gvm-test/test': moduleAt('./test'),
  'gvm-test/plugin': moduleAt('../plugin/index'),
};

/** The vite plugin by which `gvm-test` in a suite is the gvm that runs, wherever the suite stands. */
export function ownModules(): Plugin {
  return {
    name: 'gvm:own-modules',
    enforce: 'pre',
    resolveId: (source) => (Object.hasOwn(modules, source) ? { id: modules[source] ?? '', external: true } : undefined),
  };
}
