// Reads the folder in which a kernel was built, without running anything of it: what `make modules_install` would copy.
// Specification: Documentation/kbuild/kbuild.rst and modules.rst (modules.order, modules.builtin).
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { GvmError } from '../../errors/index.ts';
import type { KernelSource } from './source.ts';

const RELEASE = 'include/config/kernel.release';
const IMAGES = ['arch/x86/boot/bzImage', 'arch/arm64/boot/Image', 'vmlinux'];
const LISTS = ['modules.order', 'modules.builtin', 'modules.builtin.modinfo'];

/** The folder in which a kernel was built (`make`, or `make O=…`). */
export const buildTree: KernelSource = {
  kind: 'build-tree',
  takes: (path, stat) => stat.isDirectory() && existsSync(join(path, RELEASE)),
  async watched(path) {
    const files = [imageOf(path), join(path, RELEASE), join(path, '.config'), ...(await modulesOf(path))];
    return files.map((file) => (file.startsWith('/') ? file : join(path, file)));
  },
  async unpack(path, folder) {
    const release = (await readFile(join(path, RELEASE), 'utf8')).trim();
    if (!/^[\w.+~-]{1,100}$/.test(release) || release.startsWith('.')) {
      throw new GvmError({ code: 'usage', message: `${join(path, RELEASE)} holds no release of a kernel` });
    }
    const modules = join(folder, 'modules');
    const target = join(modules, release);
    await mkdir(target, { recursive: true });
    for (const file of await modulesOf(path)) {
      const to = join(target, 'kernel', file);
      await mkdir(dirname(to), { recursive: true });
      await copyFile(join(path, file), to);
    }
    for (const list of LISTS) if (existsSync(join(path, list))) await copyFile(join(path, list), join(target, list));
    const config = join(path, '.config');
    return { image: imageOf(path), release, modules, ...(existsSync(config) ? { config } : {}) };
  },
};

function imageOf(path: string): string {
  const found = IMAGES.map((image) => join(path, image)).find(existsSync);
  if (found) return found;
  throw new GvmError({ code: 'usage', message: `the build tree ${path} has no kernel`, hint: 'run make there first' });
}

/** The modules that were built, relative to the tree: before Linux 6.2 the list names them as they are installed. */
async function modulesOf(path: string): Promise<string[]> {
  const text = await readFile(join(path, 'modules.order'), 'utf8').catch(() => '');
  const files = text
    .split('\n')
    .filter(Boolean)
    .map((line) => line.replace(/^kernel\//, '').replace(/\.o$/, '.ko'));
  const stray = files.find((file) => file.startsWith('/') || file.split('/').includes('..'));
  if (stray !== undefined) throw new GvmError({ code: 'usage', message: `modules.order of ${path} names ${stray}` });
  return files.filter((file) => existsSync(join(path, file)));
}
