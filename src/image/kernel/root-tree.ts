import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { GvmError } from '../../errors/index.ts';
import { kernelFile } from './file.ts';
import type { KernelSource } from './source.ts';

/** A folder with `boot/vmlinuz-RELEASE` and `lib/modules/RELEASE`: an unpacked package, `make install` into a folder. */
export const rootTree: KernelSource = {
  kind: 'root-tree',
  takes: (path, stat) => stat.isDirectory() && existsSync(join(path, 'boot')),
  watched: async (path) => kernelFile.watched?.(await onlyKernel(path)),
  unpack: async (path, folder, context) => kernelFile.unpack(await onlyKernel(path), folder, context),
};

/** The kernel of a root. @throws GvmError `usage` where it has none or several */
export async function onlyKernel(root: string): Promise<string> {
  const boot = join(root, 'boot');
  const kernels = (await readdir(boot).catch(() => []))
    .filter((name) => /^(vmlinuz|vmlinux|kernel)-/.test(name))
    .sort();
  const [only, second] = kernels;
  if (only !== undefined && second === undefined) return join(boot, only);
  throw new GvmError({
    code: 'usage',
    message: only ? `${boot} has several kernels: ${kernels.join(', ')}` : `${boot} has no vmlinuz-RELEASE`,
    hint: only ? 'name the one to boot' : 'a kernel is a bzImage, a .deb package, a build tree or a root with boot/',
  });
}
