import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { findTool } from '../../src/process/index.ts';
import { localChannel } from './local-channel.ts';

/** chroot(1) is for root. */
export const canChroot = userInfo().uid === 0 && findTool('busybox') !== undefined;

/** A guest that has busybox, these files and nothing else: its /proc and /sys are what the test says. */
export function bareGuest(files: Readonly<Record<string, string | Buffer>>) {
  const root = mkdtempSync(join(tmpdir(), 'gvm-bare-'));
  mkdirSync(join(root, 'bin'));
  copyFileSync(findTool('busybox') ?? '', join(root, 'bin/busybox'));
  for (const [path, text] of Object.entries({ '/dev/null': '', ...files })) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    if (path.endsWith('/')) mkdirSync(join(root, path), { recursive: true });
    else writeFileSync(join(root, path), text);
  }
  // busybox starts itself again by this name.
  mkdirSync(join(root, 'proc/self'), { recursive: true });
  symlinkSync('/bin/busybox', join(root, 'proc/self/exe'));
  return {
    root,
    channel: localChannel(['chroot', root, '/bin/busybox', 'sh']),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}
