import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { ReleaseStack, showBytes } from '../../src/core/index.ts';
import { type Device, openDevices } from '../../src/disk/fs/btrfs/btrfs.ts';
import { readSuperblock } from '../../src/disk/fs/btrfs/superblock.ts';
import { openFileSystem } from '../../src/disk/fs/registry.ts';
import { Vfs } from '../../src/disk/index.ts';
import { CachedSource } from '../../src/disk/source/cached.ts';
import { FileSource } from '../../src/disk/source/file.ts';
import { walkTree } from '../../src/disk/walk.ts';
import { findTool } from '../../src/process/index.ts';
import { hostListing, ownListing, plantTree } from '../disk/tree.ts';

// What mkfs cannot write is written by the kernel of this host, which then is the oracle. It takes root and loop devices;
// elsewhere these tests are skipped. gvm itself never mounts anything.
const folder = mkdtempSync(join(tmpdir(), 'gvm-kernel-'));
const at = (name: string) => join(folder, name);
const tool = (name: string) => findTool(name) ?? name;
const run = (name: string, ...args: string[]) => execFileSync(tool(name), args, { stdio: 'pipe', encoding: 'utf8' });
const point = at('mnt');
mkdirSync(point);

const known = (type: string) => readFileSync('/proc/filesystems', 'utf8').split(/\s+/).includes(type);
const canMount = (type: string) => process.getuid?.() === 0 && existsSync('/dev/loop-control') && known(type);

let mounted = false;
function mount(image: string, options: string): void {
  run('mount', '-o', `loop,${options}`, image, point);
  mounted = true;
}
function unmount(): void {
  if (mounted) run('umount', point);
  mounted = false;
}
afterEach(unmount);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function blank(name: string): string {
  writeFileSync(at(name), '');
  truncateSync(at(name), 400 * 2 ** 20);
  return at(name);
}

/** What only a kernel writes: attributes, allocated holes, files in many pieces. */
function plant(folderOf: string, unwritten = true): void {
  plantTree(folderOf, 2000);
  const marked = join(folderOf, 'marked');
  mkdirSync(marked);
  for (const [name, size] of [
    ['small', 10],
    ['middle', 900],
    ['large', 2000],
  ] as const) {
    writeFileSync(join(marked, name), name);
    run('setfattr', '-n', `user.${name}`, '-v', 'v'.repeat(size), join(marked, name));
    run('setfattr', '-n', 'trusted.mark', '-v', 'x', join(marked, name));
    run('setfattr', '-n', 'security.mark', '-v', 'y', join(marked, name));
  }
  for (let i = 0; i < 40; i++) run('setfattr', '-n', `user.many-${i}`, '-v', `${i}`.repeat(20), join(marked, 'small'));
  const pieces = join(folderOf, 'pieces');
  writeFileSync(pieces, Buffer.from(Uint8Array.from({ length: 2_000_000 }, (_, i) => (i * 7) % 253)));
  for (let i = 1; i < 480; i += 2) run('fallocate', '-p', '-o', String(i * 4096), '-l', '4096', pieces);
  // ext3 has no room that is allocated and not written.
  if (unwritten) run('fallocate', '-l', '1000000', join(folderOf, 'allocated'));
  writeFileSync(join(folderOf, 'text'), 'words that repeat '.repeat(60_000));
  mkdirSync(join(folderOf, 'crowd'));
  for (let i = 0; i < 3000; i++) writeFileSync(join(folderOf, 'crowd', `one-of-very-many-names-in-a-folder-${i}`), '');
}

type Attributes = Map<string, string[]>;

function hostAttributes(top: string): Attributes {
  const found: Attributes = new Map();
  for (const name of readdirSync(join(top, 'marked'))) {
    const dump = run('getfattr', '-d', '-m', '-', '--absolute-names', join(top, 'marked', name));
    const values = dump.split('\n').flatMap((line) => /^([^#=]+)="(.*)"$/.exec(line)?.slice(1, 3).join('=') ?? []);
    found.set(`/marked/${name}`, values.filter((v) => !v.startsWith('security.selinux')).sort());
  }
  return found;
}

async function ownAttributes(vfs: Vfs): Promise<Attributes> {
  const found: Attributes = new Map();
  for await (const walked of walkTree(vfs, await vfs.resolve('/marked'))) {
    if ('trouble' in walked) throw new Error(walked.trouble.message);
    const values = (await walked.node.xattrs()).map(({ name, value }) => `${name}=${value}`);
    found.set(showBytes(walked.path), values.filter((v) => !v.startsWith('security.selinux')).sort());
  }
  return found;
}

async function compare(
  image: string,
  kernel: { listing: ReturnType<typeof hostListing>; attributes: Attributes },
  clean: boolean,
) {
  await using source = new CachedSource(await FileSource.open(image));
  const fs = await openFileSystem(source);
  if (!fs) throw new Error('no file system');
  if (clean) expect(fs.diagnostics).toEqual([]);
  const vfs = new Vfs(fs);
  expect(await ownListing(vfs)).toEqual(kernel.listing);
  expect(await ownAttributes(vfs)).toEqual(kernel.attributes);
  return fs;
}

const look = () => ({ listing: hostListing(point), attributes: hostAttributes(point) });

describe.runIf(canMount('ext4'))('ext4', () => {
  test.each([
    ['as mke2fs makes it', [] as string[]],
    ['with small inodes and attributes in inodes of their own', ['-I', '128', '-O', 'ea_inode']],
    ['with inline data', ['-O', 'inline_data', '-I', '512']],
    ['without extents', ['-t', 'ext3']],
  ])('%s', async (_, options) => {
    const image = blank('ext4');
    run('mkfs.ext4', '-q', '-F', '-b', '4096', ...options, image);
    mount(image, 'user_xattr');
    plant(point, !options.includes('ext3'));
    const kernel = look();
    unmount();
    await compare(image, kernel, true);
  });

  test('after a power cut is what the kernel makes of the same bytes', async () => {
    const image = blank('ext4');
    run('mkfs.ext4', '-q', '-F', '-b', '4096', image);
    mount(image, 'commit=300');
    plant(point);
    run('sync');
    for (let i = 0; i < 500; i++) rmSync(join(point, 'crowd', `one-of-very-many-names-in-a-folder-${i * 3}`));
    run('sync', '-f', point);
    copyFileSync(image, at('cut'));
    unmount();
    copyFileSync(at('cut'), at('replayed'));
    mount(at('replayed'), 'rw');
    const kernel = look();
    unmount();
    const fs = await compare(at('cut'), kernel, false);
    expect(fs.diagnostics[0]?.message).toMatch(/[1-9]\d* transactions of its journal were replayed in memory/);
  });
});

describe.runIf(canMount('xfs'))('XFS', () => {
  test.each([
    ['as mkfs.xfs makes it', []],
    ['with small blocks', ['-b', 'size=1024', '-n', 'size=8192']],
    ['with large extent counts', ['-i', 'nrext64=1']],
  ])('%s', async (_, options) => {
    const image = blank('xfs');
    run('mkfs.xfs', '-q', '-f', ...options, image);
    mount(image, 'noatime');
    plant(point);
    run('cp', '--reflink=always', join(point, 'pieces'), join(point, 'shared'));
    const kernel = look();
    unmount();
    await compare(image, kernel, true);
  });

  test('after a power cut says that its log is not replayed', async () => {
    const image = blank('xfs');
    run('mkfs.xfs', '-q', '-f', image);
    mount(image, 'noatime');
    writeFileSync(join(point, 'file'), 'x');
    run('sync', '-f', point);
    copyFileSync(image, at('cut'));
    unmount();
    await using source = await FileSource.open(at('cut'));
    expect((await openFileSystem(source))?.diagnostics[0]?.message).toContain('its log is not replayed');
  });
});

describe.runIf(canMount('btrfs'))('Btrfs', () => {
  test.each(['none', 'zlib', 'lzo', 'zstd'])(
    'compressed by %s, with subvolumes and a snapshot',
    async (compression) => {
      const image = blank('btrfs');
      run('mkfs.btrfs', '-q', '-f', image);
      mount(image, compression === 'none' ? 'noatime' : `noatime,compress-force=${compression}`);
      plant(point);
      run('btrfs', 'subvolume', 'create', join(point, 'subvolume'));
      writeFileSync(join(point, 'subvolume', 'inside'), 'in the subvolume '.repeat(5000));
      run('btrfs', 'subvolume', 'snapshot', join(point, 'subvolume'), join(point, 'snapshot'));
      writeFileSync(join(point, 'subvolume', 'later'), 'not in the snapshot');
      run('cp', '--reflink=always', join(point, 'pieces'), join(point, 'shared'));
      const kernel = look();
      unmount();
      await compare(image, kernel, true);
    },
  );

  test.each([
    ['raid0', 2],
    ['raid1', 2],
    ['raid10', 4],
    ['raid1c3', 3],
  ] as const)('as %s over %i devices, whole and with one missing', async (profile, count) => {
    const images = Array.from({ length: count }, (_, i) => blank(`device-${i}`));
    run('mkfs.btrfs', '-q', '-f', '-L', 'pool', '-d', profile, '-m', profile, ...images);
    const loops = images.map((image) => run('losetup', '--find', '--show', image).trim());
    let kernel: ReturnType<typeof look>;
    try {
      run('btrfs', 'device', 'scan', ...loops);
      run('mount', '-t', 'btrfs', '-o', 'noatime', loops[0] as string, point);
      mounted = true;
      plant(point);
      kernel = look();
      unmount();
    } finally {
      for (const loop of loops) run('losetup', '--detach', loop);
    }
    for (const missing of profile === 'raid0' ? [undefined] : [undefined, ...images.keys()]) {
      await using release = new ReleaseStack();
      const members: Device[] = [];
      for (const [i, image] of images.entries()) {
        if (i === missing) continue;
        const source = release.use(new CachedSource(await FileSource.open(image)));
        members.push({ source, sb: await readSuperblock(source) });
      }
      const fs = await openDevices(members);
      const said = missing === undefined ? [] : [`1 of its ${count} devices is missing`];
      expect(fs.diagnostics.map(({ message }) => message)).toEqual(said);
      const vfs = new Vfs(fs);
      expect(await ownListing(vfs)).toEqual(kernel.listing);
      expect(await ownAttributes(vfs)).toEqual(kernel.attributes);
    }
  });

  test('shows the default subvolume', async () => {
    const image = blank('btrfs');
    run('mkfs.btrfs', '-q', '-f', image);
    mount(image, 'noatime');
    run('btrfs', 'subvolume', 'create', join(point, 'root'));
    writeFileSync(join(point, 'root', 'file'), 'x');
    run('btrfs', 'subvolume', 'set-default', join(point, 'root'));
    unmount();
    await using source = await FileSource.open(image);
    const fs = await openFileSystem(source);
    expect(fs && [...(await ownListing(new Vfs(fs))).keys()]).toEqual(['/file']);
    expect(await fs?.subvolumes?.()).toEqual(['root']);
    const listed = async (name: string) => {
      const tree = await fs?.subvolume?.(name);
      return tree && [...(await ownListing(new Vfs(tree))).keys()];
    };
    expect(await listed('/')).toEqual(['/root', '/root/file']);
    expect(await listed('id=5')).toEqual(['/root', '/root/file']);
    expect(await listed('/root/')).toEqual(['/file']);
    expect(await listed('gone')).toBeUndefined();
    expect(await listed('id=99999')).toBeUndefined();
  });
});

describe.runIf(canMount('squashfs'))('squashfs', () => {
  test('with attributes is what the kernel sees', async () => {
    const tree = at('squash-tree');
    mkdirSync(tree);
    plant(tree);
    run('mksquashfs', tree, at('squash'), '-quiet', '-no-progress');
    mount(at('squash'), 'ro');
    const kernel = look();
    unmount();
    await compare(at('squash'), kernel, true);
  });
});
