import { existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { GvmError } from '../../errors/index.ts';
import { run } from '../../process/index.ts';
import { onlyKernel } from './root-tree.ts';
import type { KernelSource } from './source.ts';

/** A Debian kernel package. */
export const kernelPackage: KernelSource = {
  kind: 'package',
  takes: (path, stat) => stat.isFile() && path.endsWith('.deb'),
  async unpack(path, folder, { signal }) {
    const root = join(folder, 'package');
    await mkdir(root, { recursive: true });
    await run('dpkg-deb', ['--extract', path, root], { timeout: 300_000, ...(signal ? { signal } : {}) });
    const modules = [join(root, 'lib/modules'), join(root, 'usr/lib/modules')].find(existsSync);
    const [release] = modules ? await readdir(modules) : [];
    if (!modules || release === undefined || !existsSync(join(root, 'boot'))) {
      const { stdout } = await run('dpkg-deb', ['--field', path, 'Depends']);
      const real = /linux-image-\d\S*/.exec(stdout)?.[0];
      throw new GvmError({
        code: 'usage',
        message: `${basename(path)} brings no kernel with modules`,
        hint: real ? `it only depends on one: give the package ${real}` : 'give a package linux-image-RELEASE',
      });
    }
    const config = join(root, 'boot', `config-${release}`);
    return { image: await onlyKernel(root), release, modules, ...(existsSync(config) ? { config } : {}) };
  },
};
