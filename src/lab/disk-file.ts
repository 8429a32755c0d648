import { GvmError, isGvmError } from '../errors/index.ts';
import type { DiskLayer } from '../machine/index.ts';
import { run } from '../process/index.ts';

const TIMEOUT = 20_000;

/**
 * Makes an empty qcow2 file over a base, or an empty disk without one. The base is named with its format and not opened.
 * @param size bytes that the guest will see
 * @throws GvmError `disk-full`, `tool-missing`, `tool-failed`; or the signal's reason
 */
export async function createDiskFile(
  path: string,
  size: number,
  base: DiskLayer | undefined,
  signal: AbortSignal,
): Promise<DiskLayer> {
  const backing = base ? ['-u', '-b', base.path, '-F', base.format] : [];
  await runWriting('qemu-img', ['create', '-q', '-f', 'qcow2', ...backing, path, String(size)], path, signal);
  return { path, format: 'qcow2' };
}

/** Runs a tool that writes a file. @throws GvmError `disk-full`, `tool-missing`, `tool-failed`; or the signal's reason */
export async function runWriting(tool: string, args: string[], path: string, signal: AbortSignal): Promise<void> {
  try {
    await run(tool, args, { timeout: TIMEOUT, signal });
  } catch (error) {
    if (!isGvmError(error) || !/No space left|Disk quota exceeded/i.test(error.message)) throw error;
    throw diskFull(path, error);
  }
}

/** Runs a step that writes files, and gives a full disk its own error. */
export async function writing<T>(what: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOSPC' || code === 'EDQUOT') throw diskFull(what, error);
    throw error;
  }
}

function diskFull(path: string, cause: unknown): GvmError {
  return new GvmError({
    code: 'disk-full',
    message: `${path} could not be written: no space is left on the device`,
    hint: 'free some space, or set GVM_HOME to a folder on another file system',
    cause,
  });
}
