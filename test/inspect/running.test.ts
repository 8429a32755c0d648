import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { openRunning } from '../../src/facts/index.ts';
import { inspectSystem } from '../../src/inspect/index.ts';
import { inspectionSchema } from '../../src/inspect/schema.ts';
import { bareGuest, canChroot } from '../facts/chroot.ts';
import { type Files, poweredOff, writeTree } from '../facts/tree-disk.ts';
import { gentooModes, gentooRoot } from './gentoo.ts';

const MOUNTED = '1 0 254:2 / / rw - ext4 /dev/vda2 rw\n2 1 0:5 / /proc rw - proc proc rw\n';

/** Both ways of a guest with these files: while it runs, by busybox in it, and its disk. */
async function bothWays(files: Files, modes: Readonly<Record<string, number>> = {}) {
  const guest = bareGuest({ '/proc/self/mountinfo': MOUNTED });
  const own = { '/bin/': '', '/dev/': '', '/proc/': '' };
  const off = await poweredOff({ ...own, ...files }, modes);
  try {
    for (const path of Object.keys(files)) mkdirSync(join(guest.root, dirname(path)), { recursive: true });
    writeTree(guest.root, files, modes);
    const { exec } = guest.channel;
    const running = await openRunning({ channel: { exec }, timeout: 60_000 });
    return [await inspectSystem(running, { image: 'it' }), await inspectSystem(off.disk, { image: 'it' })] as const;
  } finally {
    await off.remove();
    guest.remove();
  }
}

test.runIf(canChroot)('a running Gentoo is told as its powered-off disk is', async () => {
  const [running, off] = await bothWays(gentooRoot, gentooModes);
  expect(inspectionSchema.parse(running)).toEqual(running);
  // How full it is, which volume is which, and when a log was written differ: the guest has a busybox more and no table.
  const { usage, mounts, logs, ...told } = running.sections;
  const { usage: full, mounts: table, logs: last, ...lasting } = off.sections;
  expect(Object.keys(lasting).length).toBeGreaterThan(12);
  expect(told).toEqual(lasting);
  expect(logs).toEqual(last);
});

test.runIf(canChroot)('names of any bytes, links and unreadable answers neither mislead nor end it', async () => {
  const files: Files = {
    '/sbin/init': gentooRoot['/sbin/init'],
    '/etc/os-release': '-> ../usr/lib/os-release',
    '/usr/lib/os-release': 'ID=odd\nNAME="Odd\nOne"\n',
    '/etc/hostname': 'odd\n',
    '/etc/a\nfile with a line end': 'x',
    "/etc/it's": 'y',
    '/etc/passwd': 'root:x:0:0::/root:/bin/sh\n',
    '/root/.bash_history': 'secret\n',
  };
  const [running, off] = await bothWays(files, { '/usr/lib/os-release': 0o4755 });
  const { usage, ...told } = running.sections;
  const { usage: full, ...lasting } = off.sections;
  expect(told).toEqual(lasting);
  expect(told).toMatchObject({ system: { id: 'odd', hostname: 'odd' }, privileged: { setuid: [{ mode: '4755' }] } });
});
