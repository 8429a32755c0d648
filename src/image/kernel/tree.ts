import { copyFile, lstat, mkdir, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { NodeMetadata } from '../build/tree.ts';

/** The regular files of a folder, as full paths, sorted. Links (`build`, `source`) lead out of it and do not count. */
export async function treeFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** Copies a module tree without its links. */
export async function copyModules(from: string, to: string): Promise<void> {
  for (const file of await treeFiles(from)) {
    const target = join(to, file.slice(from.length + 1));
    await mkdir(dirname(target), { recursive: true });
    await copyFile(file, target);
  }
}

/** The files and folders of a tree as root would own them, by their path in it; and the bytes that they take. */
export async function describeTree(
  folder: string,
  block: number,
): Promise<{ metadata: Map<string, NodeMetadata>; bytes: number }> {
  const metadata = new Map<string, NodeMetadata>();
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const full = join(entry.parentPath, entry.name);
    const stat = await lstat(full);
    const kind = entry.isDirectory() ? 'folder' : entry.isSymbolicLink() ? 'link' : 'file';
    const mode = kind === 'folder' ? 0o755 : kind === 'link' ? 0o777 : 0o644;
    const mtime = Math.floor(stat.mtimeMs / 1000);
    metadata.set(full.slice(folder.length + 1), { kind, mode, uid: 0, gid: 0, mtime });
    bytes += Math.ceil(stat.size / block) * block;
  }
  return { metadata, bytes };
}
