import { createHash } from 'node:crypto';
import { mkdir, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RootBus } from '../facts/index.ts';
import { initScript } from './initramfs/init-script.ts';
import { buildInitramfs, type InitramfsNeeds, openModuleTree } from './initramfs/plan.ts';
import { type PreparedKernel, rootFileSystems } from './kernel/prepare.ts';
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
  const initrd = await keptInitramfs(folder, join(folder, 'modules'), {
    buses,
    fileSystems: [manifest.root.type],
    busybox: join(folder, 'busybox'),
    mtime: manifest.list.sourceDateEpoch,
  });
  return { kernel: join(folder, 'kernel'), initrd, append: rootOf(image, scale) };
}

export interface ForeignBoot {
  buses: readonly RootBus[];
  /** The file system of the root, where it is known. */
  fileSystem: string | undefined;
  /** A static busybox of the kernel's architecture. */
  busybox: string;
}

/** The initramfs that boots an image with another kernel; it mounts that kernel's modules where they came along. */
export async function foreignInitramfs(
  { folder, manifest, source }: PreparedKernel,
  { buses, fileSystem, busybox }: ForeignBoot,
): Promise<string> {
  const { modules, release } = manifest;
  return await keptInitramfs(folder, modules ? join(folder, 'modules') : undefined, {
    // The modules come on a virtio disk.
    buses: modules ? [...buses, 'virtio'] : buses,
    fileSystems: [...(fileSystem === undefined ? rootFileSystems : [fileSystem]), ...(modules ? ['ext4'] : [])],
    lenient: fileSystem === undefined,
    busybox,
    mtime: 0,
    given: source,
    ...(modules && release !== undefined ? { moduleDisk: release } : {}),
  });
}

/** The words that tell a kernel where the root of an image is, and what the image itself appends. */
export function rootOf({ manifest }: StoredImage, scale: number): string {
  const { root } = manifest;
  const wait = scale > 1 ? ` gvm.scale=${Math.ceil(scale)}` : '';
  return `root=UUID=${root.uuid} rootfstype=${root.type} ${manifest.append}${wait}`;
}

/** An initramfs that is made once and kept in the folder `initrd` beside what it is made of. */
async function keptInitramfs(
  folder: string,
  modules: string | undefined,
  needs: InitramfsNeeds & { given?: string },
): Promise<string> {
  const { size, mtimeMs } = await stat(needs.busybox);
  const { given, ...others } = needs;
  const wanted = { ...others, buses: [...new Set(needs.buses)].sort(), fileSystems: [...new Set(needs.fileSystems)] };
  const key = createHash('sha256')
    .update(JSON.stringify([wanted, size, mtimeMs, initScript]))
    .digest('hex');
  const initrd = join(folder, 'initrd', `${key.slice(0, 16)}.img`);
  if (await stat(initrd).catch(() => undefined)) return initrd;
  const bytes = await buildInitramfs(modules === undefined ? undefined : await openModuleTree(modules, given), wanted);
  await mkdir(join(folder, 'initrd'), { recursive: true });
  const temporary = `${initrd}.${process.pid}`;
  await writeFile(temporary, bytes);
  await rename(temporary, initrd);
  return initrd;
}
