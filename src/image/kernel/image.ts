// Takes the kernel out of a disk image, offline: its /boot and /lib/modules.
// Specification: the places where distributions install kernels (installkernel(8), kernel-install(8)).
// Not read: file systems that gvm has no reader for; unified kernel images.
import { mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  contentOf,
  filesOf,
  type Located,
  openDisk,
  openImage,
  openTree,
  readLayout,
  type Vfs,
  walkTree,
} from '../../disk/index.ts';
import { GvmError } from '../../errors/index.ts';
import type { KernelSource } from './source.ts';

const NAME = /\.(qcow2|raw|img|vmdk|vhdx|vhd|vdi)$/;
/** More than the modules of any distribution's kernel. */
const MOST_BYTES = 4 * 2 ** 30;
const MOST_FILES = 100_000;

/** An image of its own: the kernel in its `/boot` with its modules. */
export const kernelImage: KernelSource = {
  kind: 'image',
  takes: (path, stat) => stat.isFile() && NAME.test(path),
  watched: async (path) => filesOf(await openImage(path)),
  async unpack(path, folder, { signal }) {
    await using disk = await openDisk(path, { signal });
    const { vfs } = await openTree(await readLayout(disk.source, { signal }), undefined, signal);
    const { release, image, config } = await onlyRelease(vfs, path, signal);
    const target = join(folder, 'modules', release);
    await copyModules(vfs, release, target, signal);
    const copies = { image: join(folder, 'image'), config: join(folder, 'config') };
    await copyFile(image, copies.image, signal);
    if (config) await copyFile(config, copies.config, signal);
    return {
      image: copies.image,
      release,
      modules: join(folder, 'modules'),
      ...(config ? { config: copies.config } : {}),
    };
  },
};

interface Found {
  release: string;
  image: Located;
  config: Located | undefined;
}

/** The kernel of an image. @throws GvmError `usage` where it has none or several */
async function onlyRelease(vfs: Vfs, path: string, signal: AbortSignal | undefined): Promise<Found> {
  const found: Found[] = [];
  const modules = await vfs.find('/lib/modules', { signal });
  if (modules?.node.stat.type === 'directory') {
    for await (const { name } of modules.node.entries(signal)) {
      const release = name.toString('utf8');
      if (!/^\d[\w.+~-]{0,100}$/.test(release)) continue;
      const first = async (places: readonly string[]): Promise<Located | undefined> => {
        for (const place of places) {
          const file = await vfs.find(place, { signal });
          if (file?.node.stat.type === 'file') return file;
        }
        return undefined;
      };
      const own = `/lib/modules/${release}`;
      const image = await first([`/boot/vmlinuz-${release}`, `/boot/kernel-${release}`, `${own}/vmlinuz`]);
      if (image) found.push({ release, image, config: await first([`/boot/config-${release}`, `${own}/config`]) });
    }
  }
  const [only, second] = found;
  if (only && !second) return only;
  const releases = found.map(({ release }) => release).sort();
  throw new GvmError({
    code: 'usage',
    message: only ? `${path} has several kernels: ${releases.join(', ')}` : `${path} has no kernel with modules`,
    hint: only
      ? `take one out: gvm extract ${path} /boot/vmlinuz-${releases[0]} FILE`
      : 'looked for /boot/vmlinuz-RELEASE and /lib/modules/RELEASE',
  });
}

async function copyModules(vfs: Vfs, release: string, target: string, signal: AbortSignal | undefined): Promise<void> {
  const start = await vfs.resolve(`/lib/modules/${release}`, { signal });
  let [files, bytes] = [0, 0];
  for await (const walked of walkTree(vfs, start, { signal })) {
    if ('trouble' in walked) {
      throw new GvmError({ code: 'image-corrupt', message: `the modules of ${release}: ${walked.trouble.message}` });
    }
    if (walked.node.stat.type !== 'file') continue;
    bytes += walked.node.stat.size;
    if (++files > MOST_FILES || bytes > MOST_BYTES) {
      throw new GvmError({
        code: 'image-refused',
        message: `the modules of ${release} are too many to be those of a kernel`,
      });
    }
    const name = walked.path.subarray(start.path.length + 1).toString('utf8');
    // A name that is no UTF-8 names no module.
    if (name.includes('\ufffd')) continue;
    await copyFile(walked, join(target, name), signal);
  }
}

/** Copies a file to a path that does not exist yet. */
async function copyFile({ node }: Located, target: string, signal: AbortSignal | undefined): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const file = await open(target, 'wx');
  try {
    for await (const piece of contentOf(node, signal)) await file.write(piece);
  } finally {
    await file.close();
  }
}
