import { chown, open } from 'node:fs/promises';
import { unprivilegedAccount } from '../process/index.ts';
import { runWriting, writing } from './disk-file.ts';

/** Makes a file that QEMU opens by itself, so it is of QEMU's account: a guest's memory, a picture. Zeros, sparse. */
export async function createOwnFile(path: string, size: number): Promise<void> {
  await writing(path, async () => {
    await using file = await open(path, 'wx', 0o600);
    await file.truncate(size);
    const account = unprivilegedAccount();
    if (account) await file.chown(account.uid, account.gid);
  });
}

/** Copies such a file with its holes; a file system that can share blocks between files copies nothing. */
export async function copyOwnFile(from: string, to: string, signal: AbortSignal): Promise<void> {
  await runWriting('cp', ['--sparse=auto', '--reflink=auto', '--', from, to], to, signal);
  const account = unprivilegedAccount();
  if (account) await chown(to, account.uid, account.gid);
}
