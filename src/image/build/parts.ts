import { mkdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { GvmError } from '../../errors/index.ts';
import type { Recipe, RecipePartition } from '../../schema/index.ts';
import type { FatFile } from './fat.ts';
import type { NodeMetadata } from './tree.ts';

/** A folder with the content of a file system, and what an ordinary folder cannot carry. */
export interface Tree {
  folder: string;
  metadata: Map<string, NodeMetadata>;
}

/** Takes what lies below mount points out of a root tree, into trees of their own by mount point; `/` is the rest. */
export async function splitTree(root: Tree, { disk }: Recipe, folder: string): Promise<Map<string, Tree>> {
  const parts = new Map<string, Tree>([['/', root]]);
  await mkdir(folder);
  // The deeper mount point first: it lies in the tree of the other.
  const mounts = disk.partitions.map(({ mount }) => mount).filter((mount) => mount !== '/');
  for (const mount of mounts.sort((a, b) => b.length - a.length)) {
    const path = mount.slice(1);
    const part: Tree = { folder: join(folder, String(parts.size)), metadata: new Map() };
    for (const [name, node] of root.metadata) {
      if (name === path) part.metadata.set('', node);
      if (!name.startsWith(`${path}/`)) continue;
      part.metadata.set(name.slice(path.length + 1), node);
      root.metadata.delete(name);
    }
    if (!part.metadata.has('')) {
      throw new GvmError({ code: 'image-build', message: `the root tree has no folder ${mount} to mount at` });
    }
    await rename(join(root.folder, path), part.folder);
    await mkdir(join(root.folder, path));
    parts.set(mount, part);
  }
  return parts;
}

/** The plain files of a tree, for a file system that knows no others. */
export async function filesOf({ folder, metadata }: Tree): Promise<FatFile[]> {
  const names = [...metadata].filter(([, node]) => node.kind === 'file').map(([name]) => name);
  return Promise.all(names.sort().map(async (path) => ({ path, bytes: await readFile(join(folder, path)) })));
}

/** On which partition a path of the image lies, and its path there. */
export function pathOnPartition(
  partitions: readonly RecipePartition[],
  path: string,
): { partition: RecipePartition; path: string } {
  const holds = ({ mount }: RecipePartition) => mount === '/' || path.startsWith(`${mount}/`);
  const [partition] = partitions.filter(holds).sort((a, b) => b.mount.length - a.mount.length);
  if (!partition) throw new GvmError({ code: 'image-build', message: `no partition holds ${path}` });
  return { partition, path: partition.mount === '/' ? path : path.slice(partition.mount.length) };
}
