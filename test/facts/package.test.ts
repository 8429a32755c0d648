import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { PackageValue } from '../../src/facts/index.ts';
import { splitPortage } from '../../src/facts/package-managers.ts';
import { ask, parse } from './ask.ts';
import { bareGuest, canChroot } from './chroot.ts';
import { localChannel, shells } from './local-channel.ts';

const names = (...list: string[]) => list.map((name) => ({ name }));

// biome-ignore lint/suspicious/noTemplateCurlyInString: for dpkg-query
const FORMAT = '${Version}';

test.runIf(existsSync('/var/lib/dpkg/status')).each(shells.map((shell) => [shell.join(' '), shell] as const))(
  'the packages of this host, under %s',
  async (_, shell) => {
    const answers = await ask(localChannel(shell), 'package', ...names('base-files', 'no-such-package'));
    const version = execFileSync('dpkg-query', ['-W', '-f', FORMAT, 'base-files']).toString();
    expect(answers).toEqual([
      { value: { manager: 'dpkg', installed: true, versions: [version] }, diagnostics: [] },
      { value: { manager: 'dpkg', installed: false, versions: [] }, diagnostics: [] },
    ]);
  },
);

describe.runIf(canChroot)('in a guest that has only busybox', () => {
  const managers: [string, Record<string, string>, Record<string, string[]>][] = [
    [
      'portage',
      {
        '/var/db/pkg/sys-apps/portage-3.0.82/PF': '',
        '/var/db/pkg/dev-lang/python-3.12.3_p1/PF': '',
        '/var/db/pkg/dev-lang/python-3.13.0_rc2-r1/PF': '',
        '/var/db/pkg/dev-lang/python-exec-2.4.10/PF': '',
        '/var/db/pkg/dev-lang/-MERGING-python-9.0/PF': '',
        '/var/db/pkg/media-libs/libpng-1.6.43/PF': '',
        '/var/db/pkg/app-test/font-100dpi-1.0.4-r3/PF': '',
        '/var/lib/dpkg/status': 'Package: python\n',
      },
      {
        python: ['3.12.3_p1', '3.13.0_rc2-r1'],
        'dev-lang/python': ['3.12.3_p1', '3.13.0_rc2-r1'],
        'app-test/python': [],
        libpng: ['1.6.43'],
        'font-100dpi': ['1.0.4-r3'],
        font: [],
        'python-exec': ['2.4.10'],
      },
    ],
    [
      'pacman',
      {
        '/var/lib/pacman/local/ALPM_DB_VERSION': '9\n',
        '/var/lib/pacman/local/linux-6.9.1.arch1-2/desc': '',
        '/var/lib/pacman/local/linux-firmware-1:20240409-1/desc': '',
      },
      { linux: ['6.9.1.arch1-2'], 'linux-firmware': ['1:20240409-1'], openssh: [] },
    ],
    [
      'apk',
      { '/lib/apk/db/installed': 'C:Q1\nP:musl\nV:1.2.5-r0\nA:x86_64\n\nC:Q1\nP:busybox\nV:1.36.1-r29\n' },
      { musl: ['1.2.5-r0'], busybox: ['1.36.1-r29'], 'busybox-extras': [] },
    ],
  ];
  test.each(managers)('%s', async (manager, files, packages) => {
    const guest = bareGuest(files);
    try {
      const answers = await ask(guest.channel, 'package', ...names(...Object.keys(packages)));
      expect(answers.map((a) => a.value)).toEqual(
        Object.values(packages).map((versions) => ({ manager, installed: versions.length > 0, versions })),
      );
    } finally {
      guest.remove();
    }
  });

  test('without a package manager nothing is said to be absent', async () => {
    const guest = bareGuest({});
    try {
      expect(await ask(guest.channel, 'package', { name: 'openssh' })).toEqual([
        { diagnostics: ['the guest has none of portage, pacman, apk, dpkg, rpm'] },
      ]);
    } finally {
      guest.remove();
    }
  });
});

test('dpkg: what was removed but for its settings is not installed; an architecture can be named', () => {
  const dpkg = 'installed libc6 amd64 2.36\ninstalled libc6 i386 2.36\nconfig-files nano amd64 7.2\nnonsense\n';
  const answers = parse('package', { dpkg }, names('libc6', 'libc6:i386', 'libc6:arm64', 'nano'));
  expect(answers.map((a) => (a.value as PackageValue).versions)).toEqual([['2.36'], ['2.36'], [], []]);
});

test('rpm: epochs are kept, unknown names are not installed', () => {
  const rpm = 'kernel\t6.9.4-200.fc40\nkernel\t6.8.1-1.fc40\nbind\t32:9.18.26-1.fc40\npackage nano is not installed\n';
  const answers = parse('package', { rpm }, names('kernel', 'bind', 'nano'));
  expect(answers.map((a) => (a.value as PackageValue).versions)).toEqual([
    ['6.9.4-200.fc40', '6.8.1-1.fc40'],
    ['32:9.18.26-1.fc40'],
    [],
  ]);
});

test.each([
  ['python-3.12.3_p1', 'python', '3.12.3_p1'],
  ['gtk+-2.24.33-r3', 'gtk+', '2.24.33-r3'],
  ['font-100dpi-1.0.4', 'font-100dpi', '1.0.4'],
  ['openssl-1.1.1w', 'openssl', '1.1.1w'],
  ['foo-1_alpha2_pre-r10', 'foo', '1_alpha2_pre-r10'],
])('the folder %s is %s in version %s', (folder, name, version) => {
  expect(splitPortage(folder)).toEqual({ name, version });
});

test.each(['-MERGING-foo-1.0', 'foo', 'foo-bar', 'foo-1.x', ''])('the folder "%s" is no package', (folder) => {
  expect(splitPortage(folder)).toBeUndefined();
});
