import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GvmError } from '../../errors/index.ts';
import { type ModuleIndex, type RootBus, readModuleIndex, resolveModules, rootNeeds } from '../../facts/index.ts';
import { writeInitramfs } from './write.ts';

/** A folder with the modules of one kernel and the index files of depmod. */
export interface ModuleTree {
  folder: string;
  index: ModuleIndex;
}

/** Opens `lib/modules/RELEASE` or a part of it. @throws GvmError `file-missing` */
export async function openModuleTree(folder: string): Promise<ModuleTree> {
  const text = (name: string) => readFile(join(folder, name), 'utf8');
  const optional = (name: string) => text(name).catch(() => '');
  const index = readModuleIndex({
    dep: await text('modules.dep'),
    builtin: await optional('modules.builtin'),
    softdep: await optional('modules.softdep'),
    alias: await optional('modules.alias'),
  });
  return { folder, index };
}

/**
 * The modules of a tree that reach a root file system, in load order.
 * @throws GvmError `image-build` where the kernel has no driver for one of the buses or the file system
 */
export function rootModules(tree: ModuleTree, buses: readonly RootBus[], fileSystem: string): string[] {
  const { paths, missing } = resolveModules(tree.index, rootNeeds(buses, fileSystem));
  if (missing.length > 0) {
    throw new GvmError({
      code: 'image-build',
      message: `the kernel of ${tree.folder} has no module ${missing.join(', ')}, needed for a root file system of type ${fileSystem} on ${buses.join(', ')}`,
      hint: 'add it to source.debian.kernel.modules of the recipe',
    });
  }
  return paths;
}

/** Reads modules and busybox from the host and writes the initramfs. */
export async function buildInitramfs(
  tree: ModuleTree,
  needs: { buses: readonly RootBus[]; fileSystem: string; busybox: string; mtime: number },
): Promise<Uint8Array> {
  const paths = rootModules(tree, needs.buses, needs.fileSystem);
  const modules = await Promise.all(
    paths.map(async (path) => ({ path, bytes: await readFile(join(tree.folder, path)) })),
  );
  return writeInitramfs({ busybox: await readFile(needs.busybox), modules, mtime: needs.mtime });
}
