import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTree, readLayout, type Vfs, walkTree } from '../../../src/disk/index.ts';
import { overlayMount } from '../../../src/disk/overlay/options.ts';
import { MemorySource } from '../../../src/disk/source/memory.ts';
import { findTool } from '../../../src/process/index.ts';

const MIB = 2 ** 20;
const folder = mkdtempSync(join(tmpdir(), 'gvm-overlay-'));
const at = (name: string) => join(folder, name);
const tool = (name: string, ...args: string[]) => execFileSync(findTool(name) ?? name, args, { stdio: 'pipe' });
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function plant(top: string, files: Record<string, string>): string {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(at(`${top}/${path}`)), { recursive: true });
    if (path.endsWith('/')) mkdirSync(at(`${top}/${path}`), { recursive: true });
    else writeFileSync(at(`${top}/${path}`), text);
  }
  return at(top);
}

const lower = {
  'etc/os-release': 'ID=live\n',
  'etc/passwd': 'root:x:0:0::/root:/bin/sh\n',
  a: 'lower a',
  gone: 'x',
  'dir/one': '1',
  'dir/two': '2',
  'dir/below/deep': 'deep',
  'opaque/hidden': 'h',
  'old/inner': 'inner',
  'old/sub/leaf': 'leaf',
  'file-then-dir': 'f',
  'dir-then-file/x': 'x',
  'far/away/treasure': 't',
  'files/kept': 'k',
  'files/removed': 'r',
  meta: 'the content',
};
const upper = {
  'upper/a': 'upper a',
  'upper/dir/two': 'new 2',
  'upper/dir/three': '3',
  'upper/opaque/shown': 's',
  'upper/new/added': 'added',
  'upper/moved/': '',
  'upper/file-then-dir/y': 'y',
  'upper/dir-then-file': 'now a file',
  'upper/files/removed': '',
  'upper/meta': '',
  'work/work/': '',
};
/** What overlayfs would write, by debugfs, which needs no privileges for it. */
const marks = `
cd /upper
mknod gone c 0 0
mknod old c 0 0
mknod null c 1 3
cd /upper/dir
mknod one c 0 0
ea_set /upper/opaque SPACE.overlay.opaque y
ea_set /upper/new SPACE.overlay.redirect old
ea_set /upper/moved SPACE.overlay.redirect /far/away
ea_set /upper/files SPACE.overlay.opaque x
ea_set /upper/files/removed SPACE.overlay.whiteout y
ea_set /upper/meta SPACE.overlay.metacopy y
ea_set /upper/a SPACE.overlay.origin whatever
ea_set /upper/a SPACE.overlay.overlay.opaque y
ea_set /upper/a user.mine 1
`;

function ext4(name: string, tree: string, debugfs: string): Buffer {
  writeFileSync(at(name), '');
  truncateSync(at(name), 4 * MIB);
  tool('mke2fs', '-q', '-F', '-t', 'ext4', '-b', '1024', '-E', 'root_owner=0:0', '-d', tree, at(name));
  writeFileSync(at('commands'), debugfs);
  if (debugfs !== '') tool('debugfs', '-w', '-f', at('commands'), at(name));
  return readFileSync(at(name));
}

function squashfs(name: string, tree: string): Buffer {
  tool('mksquashfs', tree, at(name), '-noappend', '-quiet', '-no-progress', '-all-root');
  return readFileSync(at(name));
}

/** A disk with these in partitions, one after the other. */
function disk(...parts: Buffer[]): MemorySource {
  const size = (part: Buffer) => Math.ceil(part.length / MIB);
  const total = parts.reduce((sum, part) => sum + size(part), 2);
  writeFileSync(at('disk'), '');
  truncateSync(at('disk'), total * MIB);
  const lines = parts.map((part) => `size=${size(part)}MiB`).join('\n');
  const sfdisk = ['--quiet', '--no-reread', '--no-tell-kernel', at('disk')];
  execFileSync(findTool('sfdisk') ?? 'sfdisk', sfdisk, { input: `label: dos\n${lines}\n`, stdio: 'pipe' });
  const bytes = readFileSync(at('disk'));
  let start = MIB;
  for (const part of parts) {
    part.copy(bytes, start);
    start += size(part) * MIB;
  }
  return new MemorySource(bytes);
}

/** Every path with the text of a file, or its type. */
async function shown(vfs: Vfs, top = '/'): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const walked of walkTree(vfs, await vfs.resolve(top))) {
    const path = walked.path.toString();
    if ('trouble' in walked) found[path] = walked.trouble.message;
    else if (walked.node.stat.type !== 'file') found[path] = walked.node.stat.type;
    else if (path.endsWith('/meta')) found[path] = 'file';
    else found[path] = (await walked.node.read(0, walked.node.stat.size)).toString();
  }
  return found;
}

const merged = {
  '/a': 'upper a',
  '/dir': 'directory',
  '/dir-then-file': 'now a file',
  '/dir/below': 'directory',
  '/dir/below/deep': 'deep',
  '/dir/three': '3',
  '/dir/two': 'new 2',
  '/etc': 'directory',
  '/etc/os-release': 'ID=live\n',
  '/etc/passwd': 'root:x:0:0::/root:/bin/sh\n',
  '/far': 'directory',
  '/far/away': 'directory',
  '/far/away/treasure': 't',
  '/file-then-dir': 'directory',
  '/file-then-dir/y': 'y',
  '/files': 'directory',
  '/files/kept': 'k',
  '/meta': 'file',
  '/moved': 'directory',
  '/moved/treasure': 't',
  '/new': 'directory',
  '/new/added': 'added',
  '/new/inner': 'inner',
  '/new/sub': 'directory',
  '/new/sub/leaf': 'leaf',
  '/null': 'character',
  '/opaque': 'directory',
  '/opaque/shown': 's',
};

let below: Buffer;
let above: Buffer;
beforeAll(() => {
  below = squashfs('lower.squashfs', plant('lower', lower));
  above = ext4('upper.ext4', plant('upper', upper), marks.replaceAll('SPACE', 'trusted'));
});

describe('layers that were named', () => {
  it('show what overlayfs would show', async () => {
    const layout = await readLayout(disk(below, above));
    const { vfs, mounts } = await openTree(layout, ['p2:/upper', 'p1']);
    expect(await shown(vfs)).toEqual(merged);
    expect(mounts[0]?.volume).toMatchObject({ name: 'overlay', on: ['p2', 'p1'], content: 'overlay' });
    expect(await vfs.find('/gone')).toBeUndefined();
    expect(await vfs.find('/dir/one')).toBeUndefined();
    expect(await vfs.find('/old')).toBeUndefined();
    expect(await vfs.find('/opaque/hidden')).toBeUndefined();
    expect(await vfs.find('/files/removed')).toBeUndefined();
    expect((await vfs.stat('/dir')).nlink).toBe(1);
  });

  it('follow a place from the top also through a folder that hides what is below it', async () => {
    const middle = ext4(
      'middle.ext4',
      plant('middle', { 'upper/own/sizes/': '' }),
      'ea_set /upper/own trusted.overlay.opaque y\nea_set /upper/own/sizes trusted.overlay.redirect /dir\n',
    );
    const top = ext4(
      'top.ext4',
      plant('top', { 'upper/top/': '', 'upper/other/': '' }),
      'ea_set /upper/top trusted.overlay.redirect /own/sizes\nea_set /upper/other trusted.overlay.redirect /own\n',
    );
    const { vfs } = await openTree(await readLayout(disk(below, middle, top)), ['p3:/upper', 'p2:/upper', 'p1']);
    expect((await vfs.readFile('/top/one')).toString()).toBe('1');
    expect((await vfs.readFile('/other/sizes/below/deep')).toString()).toBe('deep');
  });

  it('hide their own attributes and pass on those of an overlay within', async () => {
    const { vfs } = await openTree(await readLayout(disk(below, above)), ['p2:/upper', 'p1']);
    const { node } = await vfs.resolve('/a');
    expect((await node.xattrs()).map(({ name, value }) => `${name}=${value}`).sort()).toEqual([
      'trusted.overlay.opaque=y',
      'user.mine=1',
    ]);
  });

  it('refuse the content below a metacopy by name', async () => {
    const { vfs } = await openTree(await readLayout(disk(below, above)), ['p2:/upper', 'p1']);
    await expect(vfs.readFile('/meta', { limit: 100 })).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('metacopy'),
    });
  });

  it('may be one, three, or images in files', async () => {
    const nested = ext4(
      'nested.ext4',
      plant('nested', { 'live/root.img': '' }),
      `cd live\nrm root.img\nwrite ${at('lower.squashfs')} root.img\n`,
    );
    const layout = await readLayout(disk(nested, above));
    const one = await openTree(layout, ['p1:/live/root.img']);
    expect((await one.vfs.readFile('/dir/one')).toString()).toBe('1');
    const three = await openTree(layout, ['p2:/upper/dir', 'p2:/upper', 'p1:/live/root.img']);
    expect((await three.vfs.readFile('/two')).toString()).toBe('new 2');
    expect((await three.vfs.readFile('/dir/two')).toString()).toBe('new 2');
    expect((await three.vfs.readFile('/far/away/treasure')).toString()).toBe('t');
    // What the layers call nothing is nothing in all that are below.
    expect(await three.vfs.find('/one')).toBeUndefined();
    for (const bad of ['p1:/live/none', 'p9', 'p2:/upper/a']) {
      await expect(openTree(layout, [bad])).rejects.toMatchObject({ exitCode: 2 });
    }
  });

  it.each(['../up', 'a/b', '/../x', ''])('with a directory redirected to "%s" say so', async (target) => {
    const bad = ext4(
      'bad.ext4',
      plant('bad', { 'upper/dir/file': 'x' }),
      `ea_set /upper/dir trusted.overlay.redirect "${target}"\n`,
    );
    const { vfs } = await openTree(await readLayout(disk(below, bad)), ['p2:/upper', 'p1']);
    await expect(vfs.resolve('/dir')).rejects.toMatchObject({ code: 'corrupt' });
    expect((await vfs.readFile('/a')).toString()).toBe('lower a');
  });
});

describe('an overlay in fstab', () => {
  const rootWith = (fstab: string) =>
    ext4(
      'root.ext4',
      plant('root', {
        'etc/os-release': 'ID=x\n',
        'etc/fstab': fstab,
        'mnt/low/': '',
        'mnt/up/': '',
        'view/': '',
        'run/': '',
      }),
      '',
    );

  it('is joined with its layers from other volumes', async () => {
    const root = rootWith(
      '/dev/sda2 /mnt/low squashfs ro\n/dev/sda3 /mnt/up ext4 rw\noverlay /view overlay lowerdir=/mnt/low,upperdir=/mnt/up/upper,workdir=/mnt/up/work 0 0\n',
    );
    const { vfs, mounts, diagnostics } = await openTree(await readLayout(disk(root, below, above)));
    expect(diagnostics).toEqual([]);
    expect(mounts.map(({ path }) => path)).toEqual(['/', '/mnt/low', '/mnt/up', '/view']);
    const paths = await shown(vfs, '/view/new');
    expect(paths).toEqual({
      '/view/new/added': 'added',
      '/view/new/inner': 'inner',
      '/view/new/sub': 'directory',
      '/view/new/sub/leaf': 'leaf',
    });
    expect((await vfs.readFile('/view/a')).toString()).toBe('upper a');
  });

  it('takes marks of the user only where it is mounted so', async () => {
    const own = ext4('own.ext4', plant('own', upper), marks.replaceAll('SPACE', 'user'));
    const tree = async (option: string) => {
      const lines = `/dev/sda2 /mnt/low squashfs ro\n/dev/sda3 /mnt/up ext4 rw\noverlay /view overlay lowerdir=/mnt/low,upperdir=/mnt/up/upper${option} 0 0\n`;
      return (await openTree(await readLayout(disk(rootWith(lines), below, own)))).vfs;
    };
    const user = await tree(',userxattr');
    expect(await user.find('/view/opaque/hidden')).toBeUndefined();
    const trusted = await tree('');
    expect((await trusted.readFile('/view/opaque/hidden')).toString()).toBe('h');
    expect(await trusted.find('/view/new/inner')).toBeUndefined();
  });

  it('whose upper layer is in memory shows the lower ones, and one without layers is told', async () => {
    const root = rootWith(
      '/dev/sda2 /mnt/low squashfs ro\noverlay /view overlay lowerdir=/mnt/low,upperdir=/run/up,workdir=/run/work 0 0\noverlay /x overlay lowerdir=/none 0 0\noverlay /y overlay defaults\n',
    );
    const { vfs, diagnostics } = await openTree(await readLayout(disk(root, below)));
    expect((await vfs.readFile('/view/a')).toString()).toBe('lower a');
    expect(diagnostics.map(({ message }) => message)).toEqual([
      '/view: the disk has no folder /run/up, so only the lower layers are shown',
      'overlay on /x is not joined: the disk has no folder /none',
      'overlay on /y is not joined: its options name no layers',
    ]);
  });

  it('may be the root itself', async () => {
    const root = rootWith(
      '/dev/sda2 /mnt/up ext4\noverlay / overlay lowerdir=/,upperdir=/mnt/up/upper,workdir=/mnt/up/work\n',
    );
    const { vfs, mounts } = await openTree(await readLayout(disk(root, above)));
    expect((await vfs.readFile('/a')).toString()).toBe('upper a');
    expect((await vfs.readFile('/etc/os-release')).toString()).toBe('ID=x\n');
    expect(mounts[0]?.volume.name).toBe('overlay:/');
  });
});

describe('live media', () => {
  it('have their root in a file', async () => {
    plant('media', { 'boot/grub/grub.cfg': '', 'live/x': '' });
    writeFileSync(at('media/live/filesystem.squashfs'), below);
    tool('xorriso', '-as', 'mkisofs', '-quiet', '-R', '-o', at('live.iso'), at('media'));
    const layout = await readLayout(new MemorySource(readFileSync(at('live.iso'))));
    const { vfs, mounts } = await openTree(layout);
    expect((await vfs.readFile('/etc/os-release')).toString()).toBe('ID=live\n');
    expect(mounts[0]?.volume).toMatchObject({
      name: 'disk:/live/filesystem.squashfs',
      content: 'squashfs',
      on: ['disk'],
    });
    expect((await (await openTree(layout, 'disk')).vfs.find('/live/x'))?.node.stat.size).toBe(0);
  });
});

describe('mount options', () => {
  it.each([
    ['lowerdir=/a:/b\\:c:/d,upperdir=/u', { upper: '/u', lower: ['/a', '/b:c', '/d'], spaces: ['trusted'] }],
    ['lowerdir=/a::/data,userxattr', { upper: undefined, lower: ['/a'], spaces: ['user'] }],
    ['lowerdir+=/a,lowerdir+=/b', { upper: undefined, lower: ['/a', '/b'], spaces: ['trusted'] }],
    ['upperdir=/u', undefined],
    [`lowerdir=${'/a:'.repeat(501)}`, undefined],
  ])('%s', (options, expected) => {
    expect(overlayMount(options.split(','))).toEqual(expected);
  });
});
