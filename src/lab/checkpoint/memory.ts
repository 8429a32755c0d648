import { open } from 'node:fs/promises';
import { unprivilegedAccount } from '../../process/index.ts';
import { writing } from '../disk-file.ts';

/** Makes the file that a guest's memory is: empty, sparse, and of QEMU's account, which opens it by itself. */
export async function createMemoryFile(path: string, size: number): Promise<void> {
  await writing(path, async () => {
    await using file = await open(path, 'wx', 0o600);
    await file.truncate(size);
    const account = unprivilegedAccount();
    if (account) await file.chown(account.uid, account.gid);
  });
}
