import { readCpio } from '../disk/index.ts';
import {
  diskTrouble,
  moduleName,
  type PoweredOff,
  type RootBus,
  readModuleIndex,
  resolveModules,
  rootNeeds,
} from '../facts/powered-off.ts';

export interface Initramfs {
  path: string;
  size: number;
  files: number;
  /** Names, sorted. */
  modules: string[];
  /** What the root needs of modules that are neither in it nor built into the kernel. */
  missing: string[];
}

const LARGEST = 256 * 2 ** 20;
const UNPACKED = 2 ** 29;
const MOST = 200_000;

/** What the initramfs of a kernel holds; undefined where the disk has none that can be read, with a note of why. */
export async function examineInitramfs(
  disk: PoweredOff,
  release: string,
  note: (text: string) => void,
  buses: readonly RootBus[] = ['virtio'],
): Promise<Initramfs | undefined> {
  for (const path of [
    `initrd.img-${release}`,
    `initramfs-${release}.img`,
    `initrd-${release}`,
    `initramfs-${release}`,
  ]) {
    const at = `/boot/${path}`;
    const found = await disk.find(at);
    if (found?.node.stat.type !== 'file') continue;
    try {
      const bytes = await disk.vfs.readFile(at, { limit: LARGEST, signal: disk.signal });
      const { files, modules } = listMembers(bytes);
      const missing = await missingModules(disk, release, new Set(modules), buses);
      return { path: at, size: bytes.length, files, modules, missing };
    } catch (error) {
      note(`${at}: ${diskTrouble(error)}`);
    }
  }
  return undefined;
}

function listMembers(archive: Buffer): { files: number; modules: string[] } {
  const modules = new Set<string>();
  let files = 0;
  for (const { path } of readCpio(archive, UNPACKED)) {
    if (++files > MOST) break;
    const name = path.toString('utf8');
    if (/\.ko(?:\.\w+)?$/.test(name)) modules.add(moduleName(name));
  }
  return { files, modules: [...modules].sort() };
}

/** Modules for the root's file system on these buses, with what they depend on, that an initramfs would have to bring. */
export async function missingModules(
  disk: PoweredOff,
  release: string,
  present: ReadonlySet<string>,
  buses: readonly RootBus[],
): Promise<string[]> {
  const folder = `/lib/modules/${release}`;
  const dep = await disk.text(`${folder}/modules.dep`);
  if (dep === undefined) return [];
  const builtin = await disk.text(`${folder}/modules.builtin`);
  const index = readModuleIndex({ dep, ...(builtin === undefined ? {} : { builtin }) });
  const { paths, missing } = resolveModules(index, rootNeeds(buses, disk.tree.mounts[0]?.volume.fs?.type ?? ''));
  const needed = [...paths.map(moduleName), ...missing.filter((name) => name !== '')];
  return [...new Set(needed)].filter((name) => !present.has(name.replaceAll('-', '_'))).sort();
}
