import { chmodSync, copyFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Account, type ChildFile, scratchFolder } from '../process/index.ts';
import type { QemuFile } from './args/input.ts';

const OTHERS_MAY_READ = 0o004;

/**
 * The files of a command as the child will receive them. A file that QEMU opens a second time by itself, and that its
 * account may not read, is copied; `discard` removes the names of the copies, and their descriptors live on.
 */
export function prepareFiles(
  files: readonly QemuFile[],
  account: Account | undefined,
): { files: ChildFile[]; discard: () => void } {
  let folder: string | undefined;
  const prepared = files.map(({ fd, path, writable, reopened }): ChildFile => {
    const flags = writable ? 'r+' : 'r';
    if (!reopened || !account || (statSync(path).mode & OTHERS_MAY_READ) !== 0) return { fd, path, flags };
    folder ??= scratchFolder();
    const copy = join(folder, String(fd));
    copyFileSync(path, copy);
    chmodSync(copy, 0o444);
    return { fd, path: copy, flags };
  });
  return { files: prepared, discard: () => folder && rmSync(folder, { recursive: true, force: true }) };
}
