import { describe, expect, it } from 'vitest';
import { openTree, readLayout } from '../../../src/disk/index.ts';
import { MemorySource } from '../../../src/disk/source/memory.ts';
import { farLayout, stripedZones } from '../../../src/disk/volume/md/geometry.ts';
import type { MdHead } from '../../../src/disk/volume/md/head.ts';
import { readsAnything } from '../mutate.ts';
import { readAll } from '../read-all.ts';
import { mdPlaces, sealMd } from './edit.ts';
import { fixtureDisk } from './fixture.ts';
import { contentOfTiny, partsOf } from './tiny.ts';

const array = 'md0';
const read = async (bytes: Buffer) => {
  const layout = await readLayout(new MemorySource(bytes));
  const md = layout.volumes.find(({ name }) => name === array);
  return { layout, md, said: md?.diagnostics.map(({ message }) => message).join('\n') ?? '' };
};

describe('an array that a kernel wrote', () => {
  it.each([
    ['md-0.90-raid1', 'MD raid1', 2],
    ['md-1.0-raid1', 'MD raid1', 2],
    ['md-1.1-linear', 'MD linear', 2],
    ['md-1.2-raid0', 'MD raid0', 3],
    ['md-raid10-near', 'MD raid10', 3],
    ['md-raid10-far', 'MD raid10', 3],
    ['md-raid10-offset', 'MD raid10', 4],
  ])('%s holds what it wrote', async (name, how, count) => {
    const { layout, md, said } = await read(fixtureDisk(name));
    const parts = Array.from({ length: count }, (_, i) => `p${i + 1}`);
    expect(md).toMatchObject({ how, on: parts, content: 'ext2', start: undefined });
    expect(said).toBe('');
    expect(
      layout.volumes.filter(({ name: one }) => parts.includes(one)).map(({ content, fs }) => [content, fs]),
    ).toEqual(parts.map(() => [how, undefined]));
    expect(await contentOfTiny(layout, array)).toBe(`in ${name}\n`);
  });

  it.each(['md-0.90-raid1', 'md-1.0-raid1', 'md-raid10-near', 'md-raid10-far', 'md-raid10-offset'])(
    '%s is whole without any one device',
    async (name) => {
      for (const part of await partsOf(fixtureDisk(name))) {
        const bytes = fixtureDisk(name);
        bytes.fill(0, part.start, part.end);
        const { layout, said } = await read(bytes);
        expect(said).toMatch(/^MD array md0: 1 of its \d devices are missing \(\d\)$/);
        expect(await contentOfTiny(layout, array)).toBe(`in ${name}\n`);
      }
    },
  );

  it.each(['md-1.2-raid0', 'md-1.1-linear'])('%s is not read without one of its devices', async (name) => {
    const [part] = await partsOf(fixtureDisk(name));
    const bytes = fixtureDisk(name);
    bytes.fill(0, part?.start, part?.end);
    const { layout, md } = await read(bytes);
    expect(md?.fs).toBeUndefined();
    await expect(openTree(layout, array)).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining('device 0 is missing, and no copy of its data is there'),
    });
  });

  it('leaves out a device that fell behind', async () => {
    const { layout, said } = await read(fixtureDisk('md-stale'));
    expect(said).toMatch(/^MD array md0: p1 is older than the others \(\d+ events, not \d+\) and is left out$/m);
    expect(await contentOfTiny(layout, array)).toBe('in md-stale\n');
  });

  it('of level 5 is refused by name', async () => {
    const { layout, md } = await read(fixtureDisk('md-raid5'));
    expect(md).toMatchObject({ how: 'MD raid5', fs: undefined });
    await expect(openTree(layout, array)).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('gvm does not read level raid5'),
    });
  });

  it('on whole disks holds the partitions', async () => {
    // The first device of the mirror as a disk of its own, with a table and a file system where its data begins.
    const [part] = await partsOf(fixtureDisk('md-1.0-raid1'));
    const device = Buffer.from(fixtureDisk('md-1.0-raid1').subarray(part?.start, part?.end));
    const table = fixtureDisk('md-1.0-raid1').subarray(0, 512);
    const bytes = Buffer.from(device);
    table.copy(bytes);
    // One entry of type 83 from sector 16 on.
    bytes.fill(0, 446, 510);
    bytes.set([0, 0, 0, 0, 0x83, 0, 0, 0, 16, 0, 0, 0, 0, 4, 0, 0], 446);
    const layout = await readLayout(new MemorySource(bytes));
    expect(layout.volumes.map(({ name, content }) => [name, content])).toEqual([
      ['disk', 'MD raid1'],
      ['md0', 'ext2'],
    ]);
  });
});

describe('geometry', () => {
  const head = { devices: 3, used: 30 * 4096, chunk: 4096, place: 0 } as MdHead;

  it('puts no two chunks in one place, and every copy of a chunk on another device', () => {
    for (const devices of [2, 3, 4, 5, 6, 7]) {
      for (const layout of [0x102, 0x103, 0x201, 0x202, 0x301, 0x10201, 0x10301, 0x10202, 0x40201, 0x40202]) {
        const [near, far] = [layout & 255, (layout >>> 8) & 255];
        if (near * far > devices || (layout === 0x10202 && devices % 2 !== 0)) continue;
        const { size, copies } = farLayout({ ...head, devices, layout }, 4096, 'test');
        const taken = new Set<string>();
        for (let at = 0; at < size; at += 4096) {
          const places = [...copies(at)];
          expect(new Set(places.map(({ role }) => role)).size).toBe(near * far);
          for (const { role, at: place } of places) {
            expect(taken.has(`${role} ${place}`)).toBe(false);
            expect(place + 4096).toBeLessThanOrEqual(head.used);
            taken.add(`${role} ${place}`);
          }
        }
        expect(size).toBeGreaterThan(0);
      }
    }
  });

  it('refuses a layout in which copies would take the places of others', () => {
    expect(() => farLayout({ ...head, devices: 5, layout: 0x10202 }, 4096, 'test')).toThrow('layout 0x10202');
  });

  it('fills every device of a striped array once', () => {
    for (const zones of ['original', 'alternate'] as const) {
      const sizes = [5, 9, 9, 12].map((chunks) => chunks * 4096);
      const { size, locate } = stripedZones(sizes, 4096, { ...head, zones }, 'test');
      const taken = new Set<string>();
      for (let at = 0; at < size; at += 4096) {
        const { role, at: place, length } = locate(at + 100);
        expect(length).toBe(3996);
        taken.add(`${role} ${place - 100}`);
      }
      expect(taken.size).toBe(35);
      expect(size).toBe(35 * 4096);
    }
    expect(() => stripedZones([4096, 8192], 4096, { ...head, zones: undefined }, 'test')).toThrow(
      'did not note its layout',
    );
  });
});

describe('hostile bytes', () => {
  it.each(['md-0.90-raid1', 'md-1.2-raid0', 'md-raid10-far'])(
    'of %s end in a result or a typed error',
    async (name) => {
      const bytes = fixtureDisk(name);
      const places = mdPlaces(bytes).map((at) => [at, 280] as const);
      expect(places.length).toBeGreaterThan(1);
      const repair = (disk: Buffer) => {
        for (const [at] of places) sealMd(disk, at);
      };
      const everything = async (source: MemorySource) => {
        for (const { fs } of (await readLayout(source)).volumes) if (fs) await readAll(fs);
      };
      await readsAnything(bytes, places, (source) => everything(source as MemorySource), 300, repair);
    },
  );
});
