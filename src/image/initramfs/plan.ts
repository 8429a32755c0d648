import { copyFile, readFile, rm } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { GvmError } from '../../errors/index.ts';
import { type ModuleIndex, type RootBus, readModuleIndex, resolveModules, rootNeeds } from '../../facts/index.ts';
import { run, scratchFolder } from '../../process/index.ts';
import { writeInitramfs } from './write.ts';

/** A folder with the modules of one kernel and the index files of depmod. */
export interface ModuleTree {
  folder: string;
  index: ModuleIndex;
  /** The kernel that was brought along, where it is one. */
  given?: string | undefined;
}

/** Opens `lib/modules/RELEASE` or a part of it. @throws GvmError `file-missing` */
export async function openModuleTree(folder: string, given?: string): Promise<ModuleTree> {
  const text = (name: string) => readFile(join(folder, name), 'utf8');
  const optional = (name: string) => text(name).catch(() => '');
  const index = readModuleIndex({
    dep: await text('modules.dep'),
    builtin: await optional('modules.builtin'),
    softdep: await optional('modules.softdep'),
    alias: await optional('modules.alias'),
  });
  return { folder, index, given };
}

/**
 * The modules of a tree that reach a root file system, in load order.
 * @throws GvmError `image-build`, or `usage` for a kernel that was brought along, where it has no driver for one of the
 * buses or the file systems
 */
export function rootModules(tree: ModuleTree, buses: readonly RootBus[], ...fileSystems: readonly string[]): string[] {
  const { paths, missing } = resolveModules(tree.index, needsOf(buses, fileSystems));
  if (missing.length > 0) {
    const { given } = tree;
    throw new GvmError({
      code: given === undefined ? 'image-build' : 'usage',
      message: `the kernel ${given ?? `of ${tree.folder}`} has no module ${missing.join(', ')}, needed for a file system of type ${fileSystems.join(' or ')} on ${buses.join(', ')}`,
      hint:
        given === undefined
          ? 'add it to source.debian.kernel.modules of the recipe'
          : 'use another bus (machine: bus), or a kernel that has the driver',
    });
  }
  return paths;
}

/** What a kernel has of the modules that reach a root on any of these buses and file systems. */
export function reachable(tree: ModuleTree, buses: readonly RootBus[], fileSystems: readonly string[]): string[] {
  return resolveModules(tree.index, needsOf(buses, fileSystems)).paths;
}

function needsOf(buses: readonly RootBus[], fileSystems: readonly string[]): string[] {
  return [...new Set(fileSystems.flatMap((type) => rootNeeds(buses, type)))];
}

export interface InitramfsNeeds {
  buses: readonly RootBus[];
  fileSystems: readonly string[];
  /** The static busybox, a file. */
  busybox: string;
  /** Seconds since 1970. */
  mtime: number;
  /** Release of the modules on the disk `modules`, which the initramfs mounts. */
  moduleDisk?: string;
  /** File systems may be left out that the kernel does not have. */
  lenient?: boolean;
}

/** Reads modules and busybox from the host and writes the initramfs; without a tree, one without modules. */
export async function buildInitramfs(tree: ModuleTree | undefined, needs: InitramfsNeeds): Promise<Uint8Array> {
  const { buses, fileSystems, moduleDisk, mtime } = needs;
  const modules = tree ? await Promise.all(pathsOf(tree).map((path) => readModule(tree.folder, path))) : [];
  const busybox = await readFile(needs.busybox);
  return writeInitramfs({ busybox, modules, mtime, ...(moduleDisk === undefined ? {} : { moduleDisk }) });

  function pathsOf(from: ModuleTree): string[] {
    if (!needs.lenient) return rootModules(from, buses, ...fileSystems);
    // The buses are needed; of the file systems one may be enough.
    const having = fileSystems.filter((type) => resolveModules(from.index, rootNeeds([], type)).missing.length === 0);
    return rootModules(from, buses, ...having);
  }
}

/** A module as `insmod` takes it. */
async function readModule(folder: string, path: string): Promise<{ path: string; bytes: Uint8Array }> {
  const file = join(folder, path);
  const bytes = await readFile(file);
  if (path.endsWith('.gz')) return { path, bytes: gunzipSync(bytes) };
  const tool = { '.xz': 'xz', '.zst': 'zstd' }[extname(path)];
  if (!tool) return { path, bytes };
  const scratch = scratchFolder();
  try {
    const target = join(scratch, 'module');
    await copyFile(file, `${target}${extname(path)}`);
    await run(tool, ['--decompress', '--quiet', `${target}${extname(path)}`]);
    return { path, bytes: await readFile(target) };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
