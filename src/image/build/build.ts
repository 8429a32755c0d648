import { copyFile, mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GvmError } from '../../errors/index.ts';
import { rootBuses } from '../../facts/index.ts';
import type { PackageList, Recipe } from '../../schema/index.ts';
import { buildInitramfs, type ModuleTree, openModuleTree, rootModules } from '../initramfs/plan.ts';
import type { LoadedRecipe } from '../recipe.ts';
import { unpackKernel } from '../vmlinux.ts';
import { fetchRecorded, resolvePackages, sha256OfFile } from './apt.ts';
import type { RootInput } from './bootstrap.ts';
import { BIOS_BOOT, makeDisk, placePartitions } from './disk.ts';
import { type BuildContext, stage } from './events.ts';
import { makeExt4 } from './ext4.ts';
import { makeFat } from './fat.ts';
import { coreBuild, readGrub } from './grub-bios.ts';
import { type UnpackedKernel, unpackKernelPackage, unpackRole } from './kernel.ts';
import { loaderFiles } from './loader.ts';
import { exclusion, rewrites } from './normalize.ts';
import { overlayMembers } from './overlay.ts';
import { filesOf, splitTree } from './parts.ts';
import { writeRepository } from './repository.ts';
import { writeTar } from './tar-write.ts';
import { addFile, type NodeMetadata, unpackTree } from './tree.ts';
import { makeXfs } from './xfs.ts';

/** Makes the archive of a root tree; one of several ways that bring forth the same. */
export type MakeRoot = (input: RootInput, context: BuildContext) => Promise<string>;

export interface BuildInput {
  loaded: LoadedRecipe;
  /** Build from these packages instead of what the archive has today. */
  recorded?: PackageList | undefined;
  /** Seconds since 1970, for a build that is not from a recorded list. */
  epoch: number;
  makeRoot: MakeRoot;
  /** Folder that gets `disk.qcow2`, `kernel`, `busybox` and `modules/`. */
  output: string;
}

export interface BuildResult {
  list: PackageList;
  digest: string;
  diskBytes: number;
  kernel: { release: string; compressed: boolean };
  root: { uuid: string; type: string };
}

/** Makes all files of an image. Nothing of it counts until the store has given it a manifest. */
export async function buildImage(input: BuildInput, context: BuildContext): Promise<BuildResult> {
  const { loaded, output } = input;
  const { recipe } = loaded;
  const list = await stage(context, 'packages', recipe.source.debian.suite, async () => {
    if (!input.recorded) return resolvePackages(recipe, input.epoch, context);
    await fetchRecorded(recipe, input.recorded, context);
    return input.recorded;
  });
  const epoch = list.sourceDateEpoch;
  const kernel = await unpackKernelPackage(recipe, list, context);
  const loader = recipe.boot.grub ? await unpackRole('loader', list, context) : '';
  const core = recipe.disk.biosBoot ? await coreBuild(recipe, loader) : undefined;
  const archive = await stage(context, 'root', `${list.packages.length} packages`, async () => {
    const overlay = join(context.work, 'overlay.tar');
    const members = [...overlayMembers(loaded), ...kernel.members, ...(core?.members ?? [])];
    await writeFile(overlay, Buffer.concat(writeTar(members, epoch)));
    const source = await writeRepository(join(context.work, 'repository'), list, context);
    const setup = [`depmod ${kernel.release}`, ...(core ? [core.command] : []), ...recipe.setup];
    return input.makeRoot({ list, source, overlay, setup, kernel }, context);
  });
  const grub = core && (await readGrub(loader, archive, BIOS_BOOT));
  const folder = join(context.work, 'tree');
  const metadata = await unpackTree(
    archive,
    folder,
    {
      excluded: exclusion(recipe),
      rewrites: rewrites(recipe, epoch),
      modes: new Map(recipe.overlay.modes.map(({ path, mode }) => [path.slice(1), Number.parseInt(mode, 8)])),
      epoch,
    },
    context.signal,
  );
  const root = rootFileSystem(recipe);
  const result = await stage(context, 'kernel', kernel.release, () =>
    addBootFiles({ kernel, folder, metadata, epoch, output, fileSystem: root.type, signal: context.signal }),
  );
  const images = await stage(context, 'file-systems', `${metadata.size} files`, async () => {
    const placed = placePartitions(recipe.disk);
    const parts = await splitTree({ folder, metadata }, recipe, join(context.work, 'parts'));
    const paths: string[] = [];
    for (const [index, partition] of recipe.disk.partitions.entries()) {
      const image = join(context.work, `partition-${index}`);
      const part = parts.get(partition.mount) ?? { folder, metadata };
      const { filesystem } = partition;
      const fill = { ...part, size: placed[index]?.size ?? 0, epoch, signal: context.signal };
      if (filesystem.type === 'ext4') await makeExt4(image, filesystem, fill);
      else if (filesystem.type === 'xfs') await makeXfs(image, filesystem, { ...fill, list, kernel }, context);
      else {
        const files = [...(await filesOf(part)), ...(await loaderFiles(recipe, kernel.release, loader))];
        await makeFat(image, filesystem, { ...fill, files, scratch: join(context.work, 'fat') });
      }
      paths.push(image);
    }
    return paths;
  });
  const disk = join(output, 'disk.qcow2');
  await stage(context, 'disk', 'qcow2', () =>
    makeDisk(recipe.disk, images, { raw: join(context.work, 'disk.raw'), target: disk, grub, signal: context.signal }),
  );
  return {
    list,
    digest: await sha256OfFile(disk),
    diskBytes: (await stat(disk)).size,
    kernel: { release: kernel.release, compressed: result.compressed },
    root: { uuid: root.uuid, type: root.type },
  };
}

function rootFileSystem(recipe: Recipe) {
  const filesystem = recipe.disk.partitions.find(({ mount }) => mount === '/')?.filesystem;
  if (filesystem && filesystem.type !== 'vfat') return filesystem;
  throw new GvmError({ code: 'image-build', message: 'the recipe has no file system for / that can hold Linux' });
}

interface BootFiles {
  kernel: UnpackedKernel;
  folder: string;
  metadata: Map<string, NodeMetadata>;
  epoch: number;
  output: string;
  fileSystem: string;
  signal: AbortSignal | undefined;
}

/** Gives the tree its initramfs for every bus, and the store what direct boot needs beside the disk. */
async function addBootFiles(input: BootFiles): Promise<{ compressed: boolean }> {
  const { kernel, folder, output, epoch } = input;
  const tree = await openModuleTree(join(folder, 'usr/lib/modules', kernel.release));
  const busybox = join(folder, 'usr/bin/busybox');
  const initramfs = await buildInitramfs(tree, {
    buses: rootBuses,
    fileSystems: [input.fileSystem],
    busybox,
    mtime: epoch,
  });
  const name = `boot/initrd.img-${kernel.release}`;
  await addFile(folder, input.metadata, name, initramfs, { mode: 0o644, epoch });
  await copyFile(busybox, join(output, 'busybox'));
  await copyModules(tree, input.fileSystem, join(output, 'modules'));
  const unpacked = await unpackKernel(kernel.image, join(output, 'kernel'), input.signal);
  if (!unpacked) await copyFile(kernel.image, join(output, 'kernel'));
  return { compressed: !unpacked };
}

async function copyModules(tree: ModuleTree, fileSystem: string, target: string): Promise<void> {
  const index = ['modules.dep', 'modules.builtin', 'modules.softdep', 'modules.alias'];
  for (const path of [...rootModules(tree, rootBuses, fileSystem), ...index]) {
    await mkdir(join(target, path, '..'), { recursive: true });
    await copyFile(join(tree.folder, path), join(target, path));
  }
}
