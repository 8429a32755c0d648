import { describe, expect, it } from 'vitest';
import { openTree, readLayout } from '../../../src/disk/index.ts';
import { readPartitionTable } from '../../../src/disk/partition/table.ts';
import { fixturePages, type SparseDisk, sparseSource } from './fixture.ts';

const PAGE = 4096;

/** The disk with a range of bytes cleared, which are whole pages. */
function cleared(disk: SparseDisk, start: number, end: number): SparseDisk {
  return { ...disk, pages: new Map([...disk.pages].filter(([index]) => index * PAGE < start || index * PAGE >= end)) };
}

async function partsOf(disk: SparseDisk) {
  const table = await readPartitionTable(sparseSource(disk));
  return (table?.partitions ?? []).map(({ start, size }) => ({ start, end: start + size }));
}

/** Each of the three files is larger than a stripe. */
async function expectFiles(disk: SparseDisk, name: string) {
  const layout = await readLayout(sparseSource(disk));
  const { vfs } = await openTree(layout, 'btrfs:pool:@');
  for (const digit of ['1', '2', '3']) {
    expect((await vfs.readFile(`/${digit}`)).equals(Buffer.from(digit.repeat(300_000)))).toBe(true);
  }
  expect((await vfs.readFile('/name')).toString()).toBe(`in ${name}\n`);
  return layout;
}

describe('a Btrfs over several devices that a kernel wrote', () => {
  it.each([
    ['btrfs-raid0', 2],
    ['btrfs-raid1', 2],
    ['btrfs-raid10', 4],
  ])('%s holds what it wrote', async (name, count) => {
    const layout = await expectFiles(fixturePages(name), name);
    const parts = Array.from({ length: count }, (_, i) => `p${i + 1}`);
    expect(layout.volumes.map((volume) => [volume.name, volume.content, volume.diagnostics])).toEqual([
      ...parts.map((part, i) => [part, `btrfs device ${i + 1} of ${count}`, []]),
      ['btrfs:pool', 'btrfs', []],
    ]);
    expect(layout.volumes.at(-1)).toMatchObject({ how: 'Btrfs', on: parts, start: undefined });
  });

  it.each(['btrfs-raid1', 'btrfs-raid10'])('%s is whole without any one device', async (name) => {
    const disk = fixturePages(name);
    for (const { start, end } of await partsOf(disk)) {
      const layout = await expectFiles(cleared(disk, start, end), name);
      const said = layout.volumes.at(-1)?.diagnostics.map(({ message }) => message);
      expect(said).toEqual([expect.stringMatching(/^1 of its \d devices is missing$/)]);
    }
  });

  it('is not read without a device that alone has a part of it', async () => {
    const disk = fixturePages('btrfs-raid0');
    const [, second] = await partsOf(disk);
    const layout = await readLayout(sparseSource(cleared(disk, second?.start ?? 0, second?.end ?? 0)));
    const read = async () => (await openTree(layout, 'btrfs:pool:@')).vfs.readFile('/1');
    await expect(read()).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringMatching(/device 2, which holds the logical address \d+, is missing/),
    });
  });

  it('is read from the copy that is sound', async () => {
    const disk = fixturePages('btrfs-raid1');
    const [first] = await partsOf(disk);
    const pages = new Map(disk.pages);
    // All of the first device but its superblock is another's: every sum is wrong.
    for (const [index, page] of pages) {
      const at = index * PAGE - (first?.start ?? 0);
      if (at >= 2 ** 20 && index * PAGE < (first?.end ?? 0))
        pages.set(
          index,
          page.map((byte) => byte ^ 0x55),
        );
    }
    await expectFiles({ ...disk, pages }, 'btrfs-raid1');
  });
});

describe('subvolumes', () => {
  it('are found as the root and joined as the fstab says', async () => {
    const { vfs, mounts, diagnostics } = await openTree(await readLayout(sparseSource(fixturePages('btrfs-raid1'))));
    expect(mounts.map(({ path, volume }) => [path, volume.name])).toEqual([
      ['/', 'btrfs:pool'],
      ['/home', 'btrfs:pool'],
    ]);
    expect(diagnostics).toEqual([]);
    expect((await vfs.readFile('/name')).toString()).toBe('in btrfs-raid1\n');
    expect((await vfs.readFile('/home/note')).toString()).toBe('at home\n');
  });

  it('are taken by name or number, alone', async () => {
    const layout = await readLayout(sparseSource(fixturePages('btrfs-raid1')));
    const top = await openTree(layout, 'btrfs:pool');
    expect((await top.vfs.readFile('/@home/note')).toString()).toBe('at home\n');
    // The snapshot was taken before the file was written.
    const before = await openTree(layout, 'btrfs:pool:@before');
    expect(await before.vfs.find('/name')).toBeUndefined();
    expect((await before.vfs.readFile('/etc/os-release')).toString()).toBe('ID=gvmtest\n');
    const numbered = await openTree(layout, 'btrfs:pool:id=5');
    expect((await numbered.vfs.readFile('/@home/note')).toString()).toBe('at home\n');
    await expect(openTree(layout, 'btrfs:pool:gone')).rejects.toMatchObject({
      code: 'usage',
      hint: 'its subvolumes are @, @home, @before, and what lies below them',
    });
  });
});
