import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { GvmError } from '../../errors/index.ts';
import { rootBuses } from '../../facts/index.ts';
import { findTool, run } from '../../process/index.ts';
import { type StoredKernelManifest, storedKernelSchema } from '../../schema/index.ts';
import { sha256OfFile } from '../build/apt.ts';
import { MIB } from '../build/disk.ts';
import type { BuildContext, BuildEvent } from '../build/events.ts';
import { makeExt4 } from '../build/ext4.ts';
import { openModuleTree, reachable } from '../initramfs/plan.ts';
import { unpackKernel } from '../vmlinux.ts';
import { identifyKernel } from './identify.ts';
import { type KernelSource, kernelSources, type UnpackedSource } from './source.ts';
import { describeTree } from './tree.ts';

/** A kernel that gvm can boot images with. */
export interface PreparedKernel {
  /** What was given. */
  source: string;
  folder: string;
  /** What QEMU starts. */
  image: string;
  /** A file system with the whole module tree, for a disk of the guest. */
  moduleDisk?: string;
  manifest: StoredKernelManifest;
}

export interface KernelOptions {
  /** Folder of prepared kernels. */
  kernels: string;
  signal?: AbortSignal | undefined;
  onEvent?: ((event: BuildEvent) => void) | undefined;
  /** Told when a kernel has to be prepared first. */
  onPrepare?: (source: string) => void;
}

/** File systems whose drivers are kept for the initramfs. */
export const rootFileSystems = ['ext4', 'xfs', 'btrfs', 'f2fs'] as const;

// The module disk and its file system on it are gvm's own: `init-script.ts` finds it by the disk's serial number.
const MODULE_FS = {
  type: 'ext4',
  label: 'gvm-modules',
  uuid: '5f1c7b02-33d4-4a1e-9b6d-4d0c2f7e8a10',
  hashSeed: '5f1c7b02-33d4-4a1e-9b6d-4d0c2f7e8a11',
} as const;
const BLOCK = 4096;

/**
 * Makes a kernel ready to boot images with, or takes it from the cache where the same was prepared before.
 * @throws GvmError `file-missing`, `usage` (no kernel there), `tool-missing`, `tool-failed`; or the signal's reason
 */
export async function prepareKernel(path: string, options: KernelOptions): Promise<PreparedKernel> {
  const found = await stat(path).catch((cause) => {
    throw new GvmError({ code: 'file-missing', message: `no such kernel: ${path}`, cause });
  });
  let source: KernelSource | undefined;
  for (const candidate of kernelSources) if (!source && (await candidate.takes(path, found))) source = candidate;
  if (!source) {
    throw new GvmError({
      code: 'usage',
      message: `${path} is no kernel`,
      hint: 'a kernel is a bzImage or vmlinux, a .deb package, a build tree, a disk image, or a folder with boot/ and lib/modules/',
    });
  }
  const folder = join(options.kernels, await keyOf(source, path));
  const known = await readPrepared(path, folder);
  if (known) return known;
  options.onPrepare?.(path);
  await mkdir(options.kernels, { recursive: true });
  const work = await mkdtemp(join(options.kernels, `.work-${process.pid}-`));
  try {
    const { signal } = options;
    const context = { work, packageCache: '', onEvent: options.onEvent ?? (() => {}), signal };
    await fill(source, path, join(work, 'made'), context);
    await rename(join(work, 'made'), folder).catch((error: NodeJS.ErrnoException) => {
      // Another gvm was faster with the same kernel.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true, maxRetries: 3 });
  }
  const prepared = await readPrepared(path, folder);
  if (prepared) return prepared;
  throw new GvmError({ code: 'internal', message: `the kernel ${path} is not readable after it was prepared` });
}

async function readPrepared(source: string, folder: string): Promise<PreparedKernel | undefined> {
  try {
    const manifest = storedKernelSchema.parse(JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')));
    const disk = manifest.modules ? { moduleDisk: join(folder, 'modules.img') } : {};
    return { source, folder, image: join(folder, 'kernel'), ...disk, manifest };
  } catch {
    return undefined;
  }
}

/** Equal for equal input: packages and single files by content, others by the names, sizes and times of their files. */
async function keyOf(source: KernelSource, path: string): Promise<string> {
  const hash = createHash('sha256').update(source.kind);
  const watched = await source.watched?.(path);
  if (!watched) hash.update(await sha256OfFile(path));
  else {
    for (const file of watched) {
      const { size, mtimeMs } = await stat(file);
      hash.update(`\0${file}\0${size}\0${mtimeMs}`);
    }
  }
  return hash.digest('hex').slice(0, 32);
}

async function fill(source: KernelSource, path: string, made: string, context: BuildContext): Promise<void> {
  await mkdir(made);
  const unpacked = await source.unpack(path, join(context.work, 'source'), context);
  const bytes = await readFile(unpacked.image);
  const identity = identifyKernel(bytes);
  if (!identity) {
    throw new GvmError({
      code: 'usage',
      message: `${unpacked.image} is no kernel that gvm knows`,
      hint: 'expected a bzImage, an ELF vmlinux or an arm64 Image',
    });
  }
  const { arch } = identity;
  const release = unpacked.release ?? identity.release;
  const kernel = join(made, 'kernel');
  const whole = arch === 'x86_64' && (await unpackKernel(unpacked.image, kernel, context.signal));
  if (!whole) await copyFile(unpacked.image, kernel);
  if (unpacked.config) await copyFile(unpacked.config, join(made, 'config'));
  const modules = unpacked.modules !== undefined && release !== undefined;
  if (modules) await addModules({ ...unpacked, release }, unpacked.modules ?? '', made, context);
  const manifest: StoredKernelManifest = {
    ...{ kind: source.kind, arch, modules, config: unpacked.config !== undefined },
    ...(release === undefined ? {} : { release }),
    digest: createHash('sha256').update(bytes).digest('hex'),
  };
  await writeFile(join(made, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

/** The disk with the whole tree, and beside it the few modules of which initramfs files are made. */
async function addModules(
  { release, config }: UnpackedSource & { release: string },
  parent: string,
  made: string,
  { signal }: BuildContext,
): Promise<void> {
  const folder = join(parent, release);
  for (const link of ['build', 'source']) await rm(join(folder, link), { force: true });
  if (config) await copyFile(config, join(folder, 'config'));
  const options = { timeout: 300_000, ...(signal ? { signal } : {}) };
  const root = join(dirname(parent), 'depmod');
  await mkdir(join(root, 'lib'), { recursive: true });
  await rename(parent, join(root, 'lib/modules'));
  const tree = join(root, 'lib/modules');
  await run(findTool('depmod') ?? 'depmod', ['-b', root, release], options);
  const { metadata, bytes } = await describeTree(tree, BLOCK);
  const size = Math.ceil((bytes * 1.02 + metadata.size * 512) / MIB + 48) * MIB;
  const epoch = Math.floor(Date.now() / 1000);
  await makeExt4(join(made, 'modules.img'), MODULE_FS, { folder: tree, metadata, size, epoch, signal });
  await rm(join(made, 'modules.img.debugfs'), { force: true });
  const index = await openModuleTree(join(tree, release));
  const lists = (await readdir(index.folder)).filter((name) => /^modules\.(dep|builtin|softdep|alias)$/.test(name));
  for (const file of [...lists, ...reachable(index, rootBuses, rootFileSystems)]) {
    const target = join(made, 'modules', file);
    await mkdir(dirname(target), { recursive: true });
    await copyFile(join(index.folder, file), target);
  }
}
