import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { buildTree } from '../../../src/image/kernel/build-tree.ts';
import { identifyKernel } from '../../../src/image/kernel/identify.ts';
import { prepareKernel } from '../../../src/image/kernel/prepare.ts';

const root = mkdtempSync(join(tmpdir(), 'gvm-kernels-'));
afterAll(() => rmSync(root, { recursive: true }));
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(root, 'case-'));
});

/** Files below the folder of the test; an empty text makes an empty file. */
function put(files: Record<string, string | Buffer>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
}

function bzImage(release: string): Buffer {
  const image = Buffer.alloc(4096);
  image.write('HdrS', 0x202, 'latin1');
  image.writeUInt16LE(0x400, 0x20e);
  image.write(`${release} (someone@somewhere) #1 SMP\0`, 0x600, 'latin1');
  return image;
}

function elf(machine: number, text: string): Buffer {
  const image = Buffer.alloc(4096);
  image.write('\x7fELF', 0, 'latin1');
  image.writeUInt16LE(machine, 18);
  image.write(text, 1024, 'latin1');
  return image;
}

describe('a kernel image', () => {
  const arm = elf(0, 'Linux version %s (%s)\0Linux version 6.6.1-gentoo (root@host) (gcc)');
  arm.write('MZ', 0, 'latin1');
  arm.write('ARM\x64', 0x38, 'latin1');
  test.each([
    ['a bzImage', bzImage('6.1.0-9-amd64'), { arch: 'x86_64', release: '6.1.0-9-amd64' }],
    ['a bzImage whose pointer leads nowhere', bzImage(''), { arch: 'x86_64' }],
    ['a vmlinux', elf(62, 'Linux version 6.12.0-rc1+ (a@b)'), { arch: 'x86_64', release: '6.12.0-rc1+' }],
    ['a vmlinux of arm64', elf(183, 'Linux version 6.12.0 (a@b)'), { arch: 'aarch64', release: '6.12.0' }],
    ['an Image of arm64', arm, { arch: 'aarch64', release: '6.6.1-gentoo' }],
    ['a program of another machine', elf(40, 'Linux version 6.12.0 (a@b)'), undefined],
    ['text', Buffer.alloc(4096, 'text '), undefined],
    ['hardly anything', Buffer.from('MZ'), undefined],
    ['a release that is none', bzImage('\x1b[31m6.1'), { arch: 'x86_64' }],
  ])('%s', (_what, image, expected) => {
    expect(identifyKernel(image)).toEqual(expected);
  });
});

const options = () => ({ kernels: join(folder, 'kernels') });

test('a file is prepared once for its content, and known by its digest', async () => {
  put({ a: bzImage('6.1.1'), 'elsewhere/b': bzImage('6.1.1') });
  const first = await prepareKernel(join(folder, 'a'), options());
  expect(first.manifest).toMatchObject({ kind: 'file', arch: 'x86_64', release: '6.1.1', modules: false });
  const digest = execFileSync('sha256sum', [join(folder, 'a')], { encoding: 'utf8' }).slice(0, 64);
  expect(first.manifest.digest).toBe(digest);
  const made = statSync(first.image).mtimeMs;
  const second = await prepareKernel(join(folder, 'elsewhere/b'), options());
  expect([second.folder, statSync(second.image).mtimeMs]).toEqual([first.folder, made]);
  expect(readdirSync(join(folder, 'kernels'))).toHaveLength(1);
});

/** What `make` leaves: the release, an image, the list of modules and no index of them. */
const built = {
  'include/config/kernel.release': '6.9.0-mine+\n',
  'arch/x86/boot/bzImage': bzImage('6.9.0-mine+'),
  '.config': 'CONFIG_MODULES=y\n',
  'modules.order': 'fs/one/one.o\nkernel/drivers/two.ko\nfs/not-built.o\n',
  'modules.builtin': 'kernel/fs/ext4/ext4.ko\n',
  'fs/one/one.ko': 'module',
  'drivers/two.ko': 'module',
  'drivers/other.ko': 'not of this build',
};

test('a build tree gives what was built, in the places where it would be installed', async () => {
  put(built);
  const out = join(folder, 'out');
  const context = { work: out, packageCache: '', onEvent: () => {} };
  const { image, release, config } = await buildTree.unpack(folder, out, context);
  expect({ image, release, config }).toEqual({
    image: join(folder, 'arch/x86/boot/bzImage'),
    release: '6.9.0-mine+',
    config: join(folder, '.config'),
  });
  const files = readdirSync(join(out, 'modules/6.9.0-mine+'), { recursive: true }).map(String).sort();
  expect(files.filter((file) => /\.ko$|modules\./.test(file))).toEqual([
    'kernel/drivers/two.ko',
    'kernel/fs/one/one.ko',
    'modules.builtin',
    'modules.order',
  ]);
});

test.each([
  ['modules outside of the tree', { 'modules.order': '../../etc/passwd\n' }, 'names ../../etc/passwd'],
  ['a release that is a path', { 'include/config/kernel.release': '../../../tmp/x\n' }, 'holds no release'],
])('a build tree with %s is refused', async (_what, change, message) => {
  put({ ...built, ...change });
  await expect(prepareKernel(folder, options())).rejects.toMatchObject({
    code: 'usage',
    message: expect.stringContaining(message),
  });
  expect(existsSync(join(folder, 'kernels')) ? readdirSync(join(folder, 'kernels')) : []).toEqual([]);
});

test('a build tree that was not built yet says so', async () => {
  put({ 'include/config/kernel.release': '6.9.0\n' });
  await expect(prepareKernel(folder, options())).rejects.toMatchObject({ hint: 'run make there first' });
});

describe('a folder with boot/ and lib/modules/', () => {
  const files = {
    'boot/vmlinuz-6.1.2': bzImage('6.1.2'),
    'boot/config-6.1.2': 'CONFIG_EXT4_FS=y\n',
    'lib/modules/6.1.2/modules.builtin': 'kernel/fs/ext4/ext4.ko\n',
    'lib/modules/6.1.2/modules.order': '',
    'lib/modules/6.1.2/kernel/readme': 'no module',
  };

  test('gives a disk with its modules and its configuration, owned by root', async () => {
    put(files);
    symlinkSync('/usr/src/linux', join(folder, 'lib/modules/6.1.2/build'));
    const { manifest, moduleDisk = '' } = await prepareKernel(folder, options());
    expect(manifest).toMatchObject({ kind: 'root-tree', release: '6.1.2', modules: true, config: true });
    const debugfs = (command: string) =>
      execFileSync('/sbin/debugfs', ['-R', command, moduleDisk], { encoding: 'utf8', stdio: 'pipe' });
    expect(debugfs('cat /6.1.2/config')).toBe('CONFIG_EXT4_FS=y\n');
    expect(debugfs('ls -p /6.1.2')).toContain('modules.dep');
    expect(debugfs('ls -p /6.1.2')).not.toContain('build');
    expect(debugfs('stat /6.1.2/config')).toMatch(/Mode: +0644[\s\S]*User: +0 +Group: +0/);
    execFileSync('/sbin/e2fsck', ['-fn', moduleDisk], { stdio: 'pipe' });
  });

  test('is prepared anew when a file of it has changed', async () => {
    put(files);
    const first = await prepareKernel(folder, options());
    expect((await prepareKernel(folder, options())).folder).toBe(first.folder);
    utimesSync(join(folder, 'lib/modules/6.1.2/modules.order'), 1, 1);
    expect((await prepareKernel(folder, options())).folder).not.toBe(first.folder);
  });

  test('with two kernels asks for one of them, and a kernel in boot/ brings its modules', async () => {
    put({ ...files, 'boot/vmlinuz-6.1.3': bzImage('6.1.3') });
    await expect(prepareKernel(folder, options())).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('vmlinuz-6.1.2, vmlinuz-6.1.3'),
    });
    const chosen = await prepareKernel(join(folder, 'boot/vmlinuz-6.1.2'), options());
    expect(chosen.manifest).toMatchObject({ kind: 'file', release: '6.1.2', modules: true });
    const other = await prepareKernel(join(folder, 'boot/vmlinuz-6.1.3'), options());
    expect(other.manifest).toMatchObject({ release: '6.1.3', modules: false });
  });
});

describe('a disk image', () => {
  const disk = (files: Record<string, string | Buffer>) => {
    put(Object.fromEntries(Object.entries(files).map(([name, content]) => [`root/${name}`, content])));
    const image = join(folder, 'disk.raw');
    writeFileSync(image, '');
    truncateSync(image, 8 * 2 ** 20);
    execFileSync('/sbin/mke2fs', ['-q', '-F', '-t', 'ext4', '-d', join(folder, 'root'), image], { stdio: 'pipe' });
    return image;
  };
  const system = { 'etc/os-release': 'ID=gentoo\n', 'usr/lib/modules/readme': '' };

  test('gives its kernel, modules and configuration', async () => {
    const image = disk({
      ...system,
      'boot/kernel-6.6.1-gentoo-dist': bzImage('6.6.1-gentoo-dist'),
      'boot/config-6.6.1-gentoo-dist': 'CONFIG_X=y\n',
      'lib/modules/6.6.1-gentoo-dist/kernel/readme': 'no module',
      'lib/modules/6.6.1-gentoo-dist/modules.builtin': '',
      'lib/modules/6.6.1-gentoo-dist/modules.order': '',
      'lib/modules/6.6.0-gentoo-dist/left': 'of a kernel that was removed',
    });
    const { manifest, moduleDisk = '' } = await prepareKernel(image, options());
    expect(manifest).toMatchObject({ kind: 'image', release: '6.6.1-gentoo-dist', modules: true, config: true });
    const list = execFileSync('/sbin/debugfs', ['-R', 'ls -p /', moduleDisk], { encoding: 'utf8', stdio: 'pipe' });
    expect(list).toContain('/6.6.1-gentoo-dist/');
    expect(list).not.toContain('6.6.0');
  });

  test('with two kernels, or none, says so', async () => {
    const kernel = (release: string) => ({
      [`boot/vmlinuz-${release}`]: bzImage(release),
      [`lib/modules/${release}/kernel/readme`]: '',
    });
    await expect(prepareKernel(disk({ ...system, ...kernel('6.1.1'), ...kernel('6.1.2') }), options())).rejects.toThrow(
      'has several kernels: 6.1.1, 6.1.2',
    );
    rmSync(join(folder, 'root'), { recursive: true });
    await expect(prepareKernel(disk(system), options())).rejects.toThrow('has no kernel with modules');
  });
});

test('a folder that holds no kernel says what a kernel can be', async () => {
  put({ readme: '' });
  await expect(prepareKernel(folder, options())).rejects.toMatchObject({
    code: 'usage',
    hint: expect.stringContaining('a build tree'),
  });
});
