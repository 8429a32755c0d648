import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveDevice } from '../../src/disk/device.ts';
import { parseFstab } from '../../src/disk/fstab.ts';
import { openDisk, openTree, readLayout } from '../../src/disk/index.ts';
import { MemorySource } from '../../src/disk/source/memory.ts';
import { makeSystemDisk, UUIDS } from './system-disk.ts';

const folder = mkdtempSync(join(tmpdir(), 'gvm-layout-'));
let raw: string;
beforeAll(() => {
  raw = makeSystemDisk(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const memory = async (change: (bytes: Buffer) => void = () => {}) => {
  const bytes = readFileSync(raw);
  change(bytes);
  return readLayout(new MemorySource(bytes));
};

describe('layout', () => {
  it('names what each partition holds, also what is not read', async () => {
    const layout = await memory();
    expect(layout.volumes.map(({ name, content, start }) => [name, content, Number(start) / 2 ** 20])).toEqual([
      ['p1', 'vfat', 1],
      ['p2', 'ext4', 3],
      ['p3', 'ext4', 11],
      ['p4', 'swap', 19],
    ]);
    expect(layout.table?.id).toBe(UUIDS.disk);
    expect(layout.diagnostics).toEqual([]);
  });

  it('keeps the trouble of one volume with it', async () => {
    const layout = await memory((bytes) => bytes.fill(0xff, 3 * 2 ** 20 + 1024 + 100, 3 * 2 ** 20 + 1024 + 120));
    const [, root, home] = layout.volumes;
    expect(root).toMatchObject({ content: 'damaged', fs: undefined });
    expect(root?.diagnostics[0]?.message).toContain('checksum');
    expect(home?.fs?.type).toBe('ext4');
    await expect(openTree(layout, 'p2')).rejects.toMatchObject({ code: 'corrupt', exitCode: 2 });
  });

  it('takes a file system without a partition table', async () => {
    const layout = await readLayout(new MemorySource(readFileSync(join(folder, 'home.ext4'))));
    expect(layout).toMatchObject({ table: undefined, volumes: [{ name: 'disk', content: 'ext4' }] });
    const { vfs } = await openTree(layout);
    expect((await vfs.readFile('/user/notes')).toString()).toBe('from the home partition\n');
  });

  it('finds the sectors of a dos table by what it leads to', async () => {
    const bytes = Buffer.alloc(12 * 2 ** 20);
    readFileSync(join(folder, 'home.ext4')).copy(bytes, 2 ** 20);
    const table = join(folder, 'dos');
    writeFileSync(table, bytes);
    const sfdisk = ['--quiet', '--no-reread', '--no-tell-kernel', table];
    // 256 sectors of 4096 bytes are 1 MiB; sfdisk thinks of 512.
    execFileSync('sfdisk', sfdisk, {
      input: 'label: dos\nstart=256, size=2048, type=83',
      stdio: 'pipe',
      env: { PATH: '/usr/sbin:/sbin' },
    });
    const layout = await readLayout(new MemorySource(readFileSync(table)));
    expect(layout.table?.sectorSize).toBe(4096);
    expect(layout.volumes).toMatchObject([{ name: 'p1', start: 2 ** 20, content: 'ext4' }]);
  });

  it('of nothing that is known is an error of its own', async () => {
    await expect(readLayout(new MemorySource(Buffer.alloc(2 ** 20)))).rejects.toMatchObject({ code: 'no-filesystem' });
  });
});

describe('tree', () => {
  it('is the root with what its fstab mounts', async () => {
    const { vfs, mounts, diagnostics } = await openTree(await memory());
    expect(mounts.map(({ path, volume }) => [path, volume.name])).toEqual([
      ['/', 'p2'],
      ['/home', 'p3'],
      ['/boot/efi', 'p1'],
    ]);
    expect(diagnostics.map((d) => d.message)).toEqual(['LABEL=lost one on /srv is not joined: no volume is that']);
    expect((await vfs.readFile('/notes')).toString()).toBe('from the home partition\n');
    expect((await vfs.readFile('/home/../home/user/./notes')).length).toBe(24);
    expect((await vfs.readFile('/boot/efi/efi/bootx64.efi')).toString()).toBe('MZ');
    expect((await vfs.readFile('/usr/passwd')).toString()).toContain('root:x:0');
    expect((await vfs.resolve('/usr/../../../../etc/passwd')).path.toString()).toBe('/etc/passwd');
  });

  it('of a chain of qcow2 files is the same', async () => {
    const image = (...args: string[]) => execFileSync('qemu-img', args, { cwd: folder, stdio: 'pipe' });
    image('convert', '-f', 'raw', '-O', 'qcow2', 'system.raw', 'base.qcow2');
    image('create', '-f', 'qcow2', '-b', 'base.qcow2', '-F', 'qcow2', 'over.qcow2');
    await using disk = await openDisk(join(folder, 'over.qcow2'));
    const { vfs } = await openTree(await readLayout(disk.source));
    expect((await vfs.readFile('/home/user/notes')).toString()).toBe('from the home partition\n');
  });

  it('asks which volume is meant when none looks like a root', async () => {
    const layout = await memory();
    const others = { ...layout, volumes: layout.volumes.filter(({ name }) => name === 'p1' || name === 'p3') };
    await expect(openTree(others)).rejects.toMatchObject({
      code: 'usage',
      hint: 'say which one: --volume p1, --volume p3',
    });
    await expect(openTree(layout, 'p9')).rejects.toMatchObject({
      code: 'usage',
      hint: 'its volumes are p1, p2, p3, p4',
    });
    await expect(openTree(layout, 'p4')).rejects.toMatchObject({ code: 'unsupported' });
  });

  it('knows devices by every name', async () => {
    const layout = await memory();
    for (const [device, volume] of [
      [`UUID=${UUIDS.root}`, 'p2'],
      [`UUID="${UUIDS.home.toUpperCase()}"`, 'p3'],
      ['LABEL=home', 'p3'],
      ['PARTLABEL=root', 'p2'],
      [`/dev/disk/by-partuuid/${UUIDS.homePart.toLowerCase()}`, 'p3'],
      ['/dev/vda2', 'p2'],
      ['/dev/nvme0n1p3', 'p3'],
      ['/dev/sdb2', undefined],
      ['UUID=none', undefined],
    ] as const) {
      expect(resolveDevice(layout, device)?.name, device).toBe(volume);
    }
  });
});

it('reads an fstab as fstab(5) says', () => {
  expect(parseFstab('# c\n\n/dev/sda1\t/a\\040b  ext4\nUUID=x none swap sw,pri=1 0 0\nbroken\n')).toEqual([
    { device: '/dev/sda1', path: '/a b', type: 'ext4', options: ['defaults'] },
    { device: 'UUID=x', path: 'none', type: 'swap', options: ['sw', 'pri=1'] },
  ]);
});
