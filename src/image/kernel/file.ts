import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { KernelSource } from './source.ts';
import { copyModules, treeFiles } from './tree.ts';

/**
 * A bzImage, vmlinux or Image. In a folder `boot` beside which `lib/modules` has the release of the file's name, as on
 * a host or in an unpacked package, these modules and the configuration come along.
 */
export const kernelFile: KernelSource = {
  kind: 'file',
  takes: (_path, stat) => stat.isFile(),
  async watched(path) {
    const modules = modulesBeside(path);
    return modules ? [path, ...(await treeFiles(modules))] : undefined;
  },
  async unpack(path, folder) {
    const modules = modulesBeside(path);
    if (!modules) return { image: path };
    const release = basename(modules);
    await copyModules(modules, join(folder, 'modules', release));
    const config = join(dirname(path), `config-${release}`);
    return { image: path, release, modules: join(folder, 'modules'), ...(existsSync(config) ? { config } : {}) };
  },
};

function modulesBeside(path: string): string | undefined {
  const release = /^(?:vmlinuz|vmlinux|kernel|bzImage|Image)-(.+)$/.exec(basename(path))?.[1];
  if (release === undefined || basename(dirname(path)) !== 'boot') return undefined;
  const modules = join(dirname(dirname(path)), 'lib/modules', release);
  return existsSync(join(modules, 'kernel')) ? modules : undefined;
}
