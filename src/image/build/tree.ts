import { type FileHandle, link, mkdir, open, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { GvmError } from '../../errors/index.ts';
import type { Rewrite } from './normalize.ts';
import { readTar } from './tar-read.ts';

const PIECE = 4 * 2 ** 20;

/** What a path of the image is, apart from its content. */
export interface NodeMetadata {
  kind: 'file' | 'folder' | 'link';
  mode: number;
  uid: number;
  gid: number;
  mtime: number;
}

export interface TreeRules {
  excluded: (path: string) => boolean;
  rewrites: ReadonlyMap<string, Rewrite>;
  modes: ReadonlyMap<string, number>;
  /** Seconds since 1970; what is younger was touched by the build and gets this time. */
  epoch: number;
}

/**
 * Unpacks an archive into a folder of the building user and keeps owners, modes and times aside, so that no privilege
 * is needed: they are written into the file system afterwards. Devices are left out, the kernel makes its own.
 */
export async function unpackTree(
  archive: string,
  folder: string,
  rules: TreeRules,
  signal?: AbortSignal,
): Promise<Map<string, NodeMetadata>> {
  const metadata = new Map<string, NodeMetadata>();
  const pending = new Set(rules.rewrites.keys());
  await mkdir(folder, { recursive: true });
  const file = await open(archive);
  try {
    for await (const entry of readTar(file)) {
      signal?.throwIfAborted();
      const { path, kind } = entry;
      if (path.split('/').includes('..') || /["\n]/.test(path)) {
        throw new GvmError({ code: 'image-build', message: `a path that cannot be handled: ${path}` });
      }
      if (kind === 'char' || kind === 'block' || kind === 'fifo' || rules.excluded(path)) continue;
      const target = join(folder, path);
      if (path !== '') await mkdir(dirname(target), { recursive: true });
      if (kind === 'folder') await mkdir(target, { recursive: true });
      else if (kind === 'link') await symlink(entry.target, target);
      else if (kind === 'hardlink') {
        await link(join(folder, entry.target), target);
        continue;
      } else {
        const rewrite = rules.rewrites.get(path);
        pending.delete(path);
        if (rewrite) await writeFile(target, rewrite((await slice(file, entry.offset, entry.size)).toString('utf8')));
        else await copyOut(file, entry.offset, entry.size, target);
      }
      metadata.set(path, {
        kind: kind === 'file' ? 'file' : kind,
        mode: rules.modes.get(path) ?? entry.mode,
        uid: entry.uid,
        gid: entry.gid,
        // A folder's time says when the build put something into it, which each way of building does in its own order.
        mtime: kind === 'folder' ? rules.epoch : Math.min(entry.mtime, rules.epoch),
      });
    }
  } finally {
    await file.close();
  }
  if (pending.size > 0) {
    throw new GvmError({
      code: 'image-build',
      message: `the root tree has no ${[...pending].map((p) => `/${p}`).join(', ')}`,
    });
  }
  return metadata;
}

/** Puts one more file into an unpacked tree. */
export async function addFile(
  folder: string,
  metadata: Map<string, NodeMetadata>,
  path: string,
  bytes: Uint8Array,
  { mode, epoch }: { mode: number; epoch: number },
): Promise<void> {
  const target = join(folder, path);
  await mkdir(dirname(target), { recursive: true });
  await writeFile(target, bytes);
  await utimes(target, epoch, epoch);
  metadata.set(path, { kind: 'file', mode, uid: 0, gid: 0, mtime: epoch });
}

async function slice(file: FileHandle, offset: number, size: number): Promise<Buffer> {
  const buffer = Buffer.alloc(size);
  const { bytesRead } = await file.read(buffer, 0, size, offset);
  if (bytesRead < size)
    throw new GvmError({ code: 'image-corrupt', message: 'the archive of the root tree is cut off' });
  return buffer;
}

async function copyOut(file: FileHandle, offset: number, size: number, target: string): Promise<void> {
  const out = await open(target, 'w');
  try {
    for (let done = 0; done < size; done += PIECE) {
      await out.write(await slice(file, offset + done, Math.min(PIECE, size - done)));
    }
  } finally {
    await out.close();
  }
}
