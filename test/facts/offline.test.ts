import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { builtinFacts, collectOffline, type FactRequest } from '../../src/facts/index.ts';
import { bootServices } from '../../src/facts/powered-off.ts';
import { findTool } from '../../src/process/index.ts';
import { ask } from './ask.ts';
import { bareGuest, canChroot } from './chroot.ts';
import { openPoweredOff, poweredOff } from './tree-disk.ts';

const gentoo = {
  '/etc/passwd': 'root:x:0:0:root:/root:/bin/bash\nlarry:x:1000:100:The Cow:/home/larry:/bin/sh\nbad:x:one:two::/:/\n',
  '/etc/group': 'root:x:0:\nusers:x:100:\nwheel:x:10:root,larry\n',
  '/etc/shadow': 'root:*:1::::::\n',
  '/etc/os-release': 'ID=gentoo\n',
  '/etc/runlevels/default/sshd': '-> /etc/init.d/sshd',
  '/etc/runlevels/boot/hostname': '-> /etc/init.d/hostname',
  '/etc/init.d/sshd': '#!/sbin/openrc-run\n',
  '/etc/init.d/hostname': '#!/sbin/openrc-run\n',
  '/etc/init.d/net.lo': '#!/sbin/openrc-run\n',
  '/etc/fstab': 'tmpfs /var/tmp tmpfs defaults 0 0\n/dev/sdz1 /data ext4 defaults 0 0\n',
  '/var/db/pkg/sys-apps/portage-3.0.82/PF': '',
  '/var/db/pkg/dev-lang/python-3.12.3_p1/PF': '',
  '/var/db/pkg/dev-lang/python-3.13.0_rc2-r1/PF': '',
  '/var/log/messages': 'Nov 26 10:00:00 host sshd[12]: Server listening\nNov 26 10:00:01 host kernel: booted\n',
  '/usr/bin/su': 'x',
  '/usr/bin/plain': 'x',
  '/srv/odd name': 'text\n',
  '/srv/link': '-> odd name',
  '/srv/dead': '-> nowhere',
  '/srv/run': '-> /run/x',
  '/data/': '',
};
const modes = { '/usr/bin/su': 0o4711, '/srv/odd name': 0o2640, '/etc/shadow': 0o600 };

/** Asked both ways: of the folder as the root of a guest, and of a file system that was made of it. */
const same: Record<string, object[]> = {
  file: [
    { path: '/etc/passwd', contents: true, sums: ['md5', 'sha256', 'sha512'] },
    { path: '/etc/shadow' },
    { path: '/srv/odd name', sums: ['sha256'] },
    { path: '/srv/link', contents: true, target: true, sums: ['md5'] },
    { path: '/srv/dead', target: true },
    { path: '/srv/none' },
    { path: '/srv/odd name/below' },
    { path: '/usr/bin/su' },
    { path: '/etc' },
  ],
  user: [{ name: 'root', groups: true }, { name: 'larry', groups: true }, { name: 'nobody' }, { name: 'bad' }],
  group: [{ name: 'wheel' }, { name: 'users' }, { name: 'none' }],
  package: [{ name: 'python' }, { name: 'dev-lang/python' }, { name: 'sys-apps/python' }, { name: 'portage' }],
  setuid: [{ paths: ['/usr', '/srv'] }, { paths: ['/etc'] }],
  journal: [{ identifier: 'sshd' }, {}],
};

async function offline(disk: Parameters<typeof collectOffline>[1]['disk'], fact: string, ...args: object[]) {
  const requests: FactRequest[] = args.map((a) => ({ fact, args: a }));
  return await collectOffline(requests, { facts: builtinFacts, disk });
}

describe.runIf(canChroot)('the two ways of a fact say the same', () => {
  let guest: ReturnType<typeof bareGuest>;
  let off: Awaited<ReturnType<typeof poweredOff>>;
  beforeAll(async () => {
    off = await poweredOff(gentoo, modes);
    guest = bareGuest({});
    cpSync(off.root, guest.root, { recursive: true, verbatimSymlinks: true });
    for (const [path, mode] of Object.entries(modes)) chmodSync(join(guest.root, path), mode);
  });
  afterAll(async () => {
    await off?.remove();
    guest?.remove();
  });

  test.each(Object.entries(same))('%s', async (fact, args) => {
    const live = await ask(guest.channel, fact, ...args);
    const still = await offline(off.disk, fact, ...args);
    // Sizes of directories are those of the file system; what a reader says of a failure is its own.
    const plain = (answers: typeof live) =>
      answers.map(({ value }) => {
        if (fact === 'file' && (value as { type?: string } | undefined)?.type === 'directory')
          return { ...(value as object), size: 0 };
        return value;
      });
    expect(plain(still)).toEqual(plain(live));
    expect(still.map((a) => a.diagnostics.length > 0)).toEqual(live.map((a) => a.diagnostics.length > 0));
  });
});

describe('what a powered-off disk says and does not say', () => {
  let off: Awaited<ReturnType<typeof poweredOff>>;
  beforeAll(async () => {
    off = await poweredOff({
      ...gentoo,
      '/boot/config-6.6.1-gentoo':
        'CONFIG_64BIT=y\nCONFIG_VIRTIO_BLK=m\n# CONFIG_X is not set\nCONFIG_NAME="a \\"b\\""\n',
      '/boot/vmlinuz-6.6.1-gentoo': 'MZ',
      '/lib/modules/6.6.1-gentoo/modules.dep': 'kernel/drivers/block/virtio_blk.ko.zst:\n',
      '/lib/modules/6.6.1-gentoo/modules.builtin': 'kernel/fs/ext4/ext4.ko\n',
    });
  });
  afterAll(() => off?.remove());

  test('services have runlevels and no state', async () => {
    const [sshd, other] = await offline(off.disk, 'service', { name: 'sshd' }, { name: 'httpd' });
    expect(sshd?.value).toEqual({ init: 'openrc', exists: true, enablement: 'enabled', runlevels: ['default'] });
    expect(other?.value).toMatchObject({ exists: false, enablement: 'disabled' });
    const [openrc] = await offline(off.disk, 'openrc', {});
    expect(openrc?.value).toEqual({
      services: { hostname: { runlevels: ['boot'] }, sshd: { runlevels: ['default'] }, 'net.lo': { runlevels: [] } },
    });
  });

  test('the configuration and the modules of its one kernel', async () => {
    const [config] = await offline(off.disk, 'kconfig', { symbols: ['CONFIG_64BIT', 'CONFIG_X', 'CONFIG_NAME'] });
    expect(config?.value).toEqual({
      release: '6.6.1-gentoo',
      source: '/boot/config-6.6.1-gentoo',
      values: { CONFIG_64BIT: 'y', CONFIG_NAME: 'a "b"' },
    });
    const [module, builtin, none] = await offline(
      off.disk,
      'module',
      { name: 'virtio-blk' },
      { name: 'ext4' },
      { name: 'xfs' },
    );
    expect(module?.value).toMatchObject({ file: 'kernel/drivers/block/virtio_blk.ko.zst', builtin: false });
    expect(module?.value).not.toHaveProperty('loaded');
    expect(builtin?.value).toMatchObject({ builtin: true });
    expect(none?.value).toMatchObject({ indexed: true, builtin: false });
  });

  test('a guest with another kernel has another configuration', async () => {
    const other = await openPoweredOff(off.image, '/boot/other');
    const [config] = await offline(other.disk, 'kconfig', { symbols: ['CONFIG_64BIT'] });
    expect(config).toEqual({ diagnostics: [], unanswerable: 'guests of the disk run another kernel: /boot/other' });
    await other.close();
  });

  test.each([
    ['/proc/cpuinfo', '/proc'],
    ['/var/tmp/x', '/var/tmp'],
    ['/data/x', '/data'],
    ['/srv/../run/x', '/run'],
  ])('%s lies where only a running guest has files', async (path, place) => {
    const [answer] = await offline(off.disk, 'file', { path });
    expect(answer?.unanswerable).toContain(`lies on ${place},`);
  });

  test('a link into such a place is there, what it leads to is not', async () => {
    const [link, through] = await offline(
      off.disk,
      'file',
      { path: '/srv/run', target: true },
      { path: '/srv/run', contents: true },
    );
    expect(link?.value).toMatchObject({ type: 'symlink', target: '/run/x' });
    expect(through?.unanswerable).toContain('lies on /run');
  });

  test('the file system has its sizes, and facts of a running guest have a reason', async () => {
    const [fs] = await offline(off.disk, 'filesystem', { path: '/' });
    expect(fs?.value).toMatchObject({ exists: true, mounted: '/', type: 'ext4' });
    for (const fact of ['cmdline', 'dmesg', 'crashed', 'kernel']) {
      const [answer] = await offline(off.disk, fact, {});
      expect(answer).toEqual({ diagnostics: [], unanswerable: `only a running guest can tell the fact "${fact}"` });
    }
  });
});

test('systemd: how its units are enabled', async () => {
  const unit = '[Unit]\nDescription=x\n';
  const folder = '/usr/lib/systemd/system';
  const off = await poweredOff({
    '/etc/os-release': 'ID=x\n',
    '/usr/sbin/init': '-> ../lib/systemd/systemd',
    '/sbin': '-> usr/sbin',
    '/usr/lib/systemd/systemd': 'ELF',
    [`${folder}/on.service`]: `${unit}[Install]\nWantedBy=multi-user.target\n`,
    [`${folder}/off.service`]: `${unit}[Install]\nWantedBy = multi-user.target\n`,
    [`${folder}/static.service`]: unit,
    [`${folder}/also.service`]: `${unit}[Install]\nAlso=on.service\n[Service]\nWantedBy=x\n`,
    [`${folder}/real.service`]: `${unit}[Install]\nAlias=other.service\n`,
    [`${folder}/masked.service`]: unit,
    [`${folder}/getty@.service`]: `${unit}[Install]\nWantedBy=getty.target\nDefaultInstance=tty1\n`,
    '/etc/systemd/system/multi-user.target.wants/on.service': `-> ${folder}/on.service`,
    '/etc/systemd/system/getty.target.wants/getty@tty1.service': `-> ${folder}/getty@.service`,
    '/etc/systemd/system/masked.service': '-> /dev/null',
    '/etc/systemd/system/other.service': `-> ${folder}/real.service`,
    [`${folder}/vendor.service`]: '-> /dev/null',
    [`${folder}/second.service`]: '-> static.service',
    [`${folder}/default.target`]: '-> multi-user.target',
    [`${folder}/multi-user.target`]: unit,
    '/etc/init.d/old': '#!/bin/sh\n',
  });
  const expected = {
    on: 'enabled',
    off: 'disabled',
    static: 'static',
    also: 'indirect',
    real: 'enabled',
    other: 'alias',
    masked: 'masked',
    'getty@tty1': 'enabled',
    'getty@tty2': 'disabled',
    vendor: 'masked',
    second: 'alias',
  };
  const names = Object.keys(expected).map((name) => ({ name }));
  const answers = await offline(off.disk, 'service', ...names, { name: 'none' }, { name: 'old' });
  expect(answers.slice(0, -2).map((a) => (a.value as { enablement: string }).enablement)).toEqual(
    Object.values(expected),
  );
  expect(answers.at(-2)?.value).toMatchObject({ exists: false, enablement: 'disabled' });
  expect(answers.at(-1)?.unanswerable).toMatch(/of a script at boot/);
  if (findTool('systemctl')) {
    const told = execFileSync('systemctl', [
      '--root',
      off.root,
      'list-unit-files',
      '--no-legend',
      '--no-pager',
    ]).toString();
    const states = told
      .trim()
      .split('\n')
      .map((line) => line.split(/\s+/).slice(0, 2).join(' '));
    const services = await bootServices(off.disk);
    const own = services?.services.map(({ name, enablement }) => `${name} ${enablement}`);
    // Instances are no unit files.
    expect(own?.filter((line) => !line.includes('@tty1')).sort()).toEqual(states.sort());
    expect(states.length).toBeGreaterThan(10);
  }
  await off.remove();
});
