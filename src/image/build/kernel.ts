import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GvmError } from '../../errors/index.ts';
import { moduleName } from '../../facts/index.ts';
import { run } from '../../process/index.ts';
import type { PackageList, Recipe } from '../../schema/index.ts';
import { cachePath } from './apt.ts';
import type { BuildContext } from './events.ts';
import { pathMatcher } from './glob.ts';
import type { TarMember } from './tar-write.ts';

/** A kernel package, unpacked. */
export interface UnpackedKernel {
  release: string;
  /** The bzImage. */
  image: string;
  /** Folder of all its modules. */
  tree: string;
  /** What of it goes into the root tree. */
  members: TarMember[];
}

/** Unpacks the kernel package of a list and picks the modules that the recipe wants, with what they need. */
export async function unpackKernelPackage(
  recipe: Recipe,
  list: PackageList,
  context: BuildContext,
): Promise<UnpackedKernel> {
  const folder = await unpackRole('kernel', list, context);
  const modules = join(folder, 'lib/modules');
  const [release] = await readdir(modules);
  if (!release) throw new GvmError({ code: 'image-build', message: 'the kernel package has no modules' });
  const tree = join(modules, release);
  const picked = await pickModules(tree, recipe.source.debian.kernel.modules);
  const base = `usr/lib/modules/${release}`;
  const file = async (path: string, from: string): Promise<TarMember> => ({
    path,
    kind: 'file',
    mode: 0o644,
    bytes: await readFile(from),
  });
  const members: TarMember[] = [
    ...(await Promise.all(picked.map((path) => file(`${base}/${path}`, join(tree, path))))),
    ...(await Promise.all(
      ['modules.builtin', 'modules.builtin.modinfo', 'modules.order'].map((n) => file(`${base}/${n}`, join(tree, n))),
    )),
    await file(`boot/vmlinuz-${release}`, join(folder, 'boot', `vmlinuz-${release}`)),
    await file(`boot/config-${release}`, join(folder, 'boot', `config-${release}`)),
  ];
  return { release, image: join(folder, 'boot', `vmlinuz-${release}`), tree, members };
}

/** Unpacks the packages of a role into one folder. */
export async function unpackRole(role: 'kernel' | 'loader', list: PackageList, context: BuildContext): Promise<string> {
  const entries = list.packages.filter((p) => p.role === role);
  if (entries.length === 0)
    throw new GvmError({ code: 'image-build', message: `the package list has no package for the ${role}` });
  const folder = join(context.work, role);
  await mkdir(folder, { recursive: true });
  for (const entry of entries) {
    await run('dpkg-deb', ['--extract', cachePath(context, entry), folder], { timeout: 300_000 });
  }
  return folder;
}

/** Paths (`kernel/…​.ko`) of the modules that match, and of all that they depend on; sorted. */
async function pickModules(tree: string, patterns: readonly string[]): Promise<string[]> {
  const all = (await readdir(join(tree, 'kernel'), { recursive: true })).filter((p) => p.endsWith('.ko'));
  const byName = new Map(all.map((path) => [moduleName(path), path]));
  for (const pattern of patterns) {
    const matches = pathMatcher([pattern]);
    if (!all.some((path) => matches(path.slice(0, -3)))) {
      throw new GvmError({
        code: 'image-build',
        message: `source.debian.kernel.modules: the kernel has no module that matches ${pattern}`,
      });
    }
  }
  const matches = pathMatcher(patterns);
  const wanted = all.filter((path) => matches(path.slice(0, -3)));
  const picked = new Set<string>();
  for (let path = wanted.pop(); path; path = wanted.pop()) {
    if (picked.has(path)) continue;
    picked.add(path);
    for (const need of dependencies(await readFile(join(tree, 'kernel', path)))) {
      const found = byName.get(moduleName(need));
      if (found) wanted.push(found);
    }
  }
  return [...picked].map((path) => `kernel/${path}`).sort();
}

/** The names after `depends=` in a module's .modinfo section; the package has no modules.dep yet. */
export function dependencies(module: Buffer): string[] {
  const marker = Buffer.from('\0depends=');
  const at = module.indexOf(marker);
  if (at === -1) return [];
  const start = at + marker.length;
  const end = module.indexOf(0, start);
  return module.toString('latin1', start, end).split(',').filter(Boolean);
}
