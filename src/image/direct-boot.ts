import { createHash } from 'node:crypto';
import { mkdir, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RootBus } from '../facts/index.ts';
import { initScript } from './initramfs/init-script.ts';
import { buildInitramfs, openModuleTree } from './initramfs/plan.ts';
import type { StoredImage } from './store.ts';

export interface DirectBoot {
  kernel: string;
  initrd: string;
  /** Kernel command line; what the machine appends comes after it, and the last `root=` wins. */
  append: string;
}

/**
 * What QEMU needs to start the kernel of an image without its boot loader. The initramfs has the modules of these buses
 * and no more; it is made once and kept beside the image.
 */
export async function directBoot(
  image: StoredImage,
  { buses, scale = 1 }: { buses: readonly RootBus[]; scale?: number },
): Promise<DirectBoot> {
  const { manifest, folder } = image;
  const wanted = [...new Set(buses)].sort();
  const key = createHash('sha256')
    .update(JSON.stringify([manifest.digest, wanted, manifest.root.type, initScript]))
    .digest('hex');
  const initrd = join(folder, 'initrd', `${key.slice(0, 16)}.img`);
  if (!(await stat(initrd).catch(() => undefined))) {
    const bytes = await buildInitramfs(await openModuleTree(join(folder, 'modules')), {
      buses: wanted,
      fileSystem: manifest.root.type,
      busybox: join(folder, 'busybox'),
      mtime: manifest.list.sourceDateEpoch,
    });
    await mkdir(join(folder, 'initrd'), { recursive: true });
    const temporary = `${initrd}.${process.pid}`;
    await writeFile(temporary, bytes);
    await rename(temporary, initrd);
  }
  const { root } = manifest;
  const wait = scale > 1 ? ` gvm.scale=${Math.ceil(scale)}` : '';
  const append = `root=UUID=${root.uuid} rootfstype=${root.type} ${manifest.append}${wait}`;
  return { kernel: join(folder, 'kernel'), initrd, append };
}
