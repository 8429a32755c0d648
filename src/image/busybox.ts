import { copyFile, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { GvmError } from '../errors/index.ts';
import { run, scratchFolder } from '../process/index.ts';
import type { ResolvedMachine } from '../schema/index.ts';
import { fetchPackages } from './build/apt.ts';
import { type BuildOptions, ensureImage } from './ensure.ts';
import { listRecipes, loadRecipe } from './recipe.ts';
import type { ImageStore } from './store.ts';

export interface BusyboxOptions extends BuildOptions {
  store: ImageStore;
  recipes: readonly string[];
}

/**
 * A static busybox for initramfs files of images that gvm did not build: that of the image openrc, or for another
 * architecture Debian's package, which is downloaded once as an image's packages are.
 */
export async function findBusybox(arch: ResolvedMachine['arch'], options: BusyboxOptions): Promise<string> {
  const recipe = (await listRecipes(options.recipes)).get('openrc');
  if (!recipe) {
    throw new GvmError({ code: 'image-unknown', message: 'the recipe openrc, which brings busybox, is not there' });
  }
  const loaded = await loadRecipe(recipe);
  if (arch === 'x86_64') return join((await ensureImage(options.store, loaded, options)).folder, 'busybox');
  const folder = join(options.store.folder, '..', 'busybox');
  const known = join(folder, arch);
  if (await stat(known).catch(() => undefined)) return known;
  options.log.info(`downloading busybox for ${arch}`);
  const work = scratchFolder();
  try {
    const { packageCache } = options.store;
    const { suite, mirror } = loaded.recipe.source.debian;
    const context = { work, packageCache, onEvent: options.onEvent ?? (() => {}), signal: options.signal };
    const archive = { suite, mirror, arch: 'arm64', for: `busybox for ${arch}` } as const;
    const [got] = await fetchPackages(['busybox-static'], archive, context);
    await run('dpkg-deb', ['--extract', got?.file ?? '', join(work, 'package')]);
    const files = await readdir(join(work, 'package'), { recursive: true });
    const path = files.find((file) => /(^|\/)bin\/busybox$/.test(file)) ?? '';
    await mkdir(folder, { recursive: true });
    const temporary = `${known}.${process.pid}`;
    await copyFile(join(work, 'package', path), temporary);
    await rename(temporary, known);
    return known;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
