import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { resolveDevice } from '../../../src/disk/device.ts';
import { readLayout } from '../../../src/disk/index.ts';
import { MemorySource } from '../../../src/disk/source/memory.ts';
import { SliceSource } from '../../../src/disk/source/slice.ts';
import type { VolumeManager } from '../../../src/disk/volume/manager.ts';
import { volumeManagers } from '../../../src/disk/volume/registry.ts';
import { Encryption } from './encrypt.ts';
import { fixtureDisk } from './fixture.ts';
import { contentOfTiny, partsOf } from './tiny.ts';

const folder = mkdtempSync(join(tmpdir(), 'gvm-stack-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const key = Buffer.from('a passphrase');

const encryption = new Encryption(folder);
writeFileSync(join(folder, 'key'), key);
const kdf = ['--pbkdf=pbkdf2', '--pbkdf-force-iterations=1000'];

it('sees through an outer layer, partitions, groups and file systems', async () => {
  const mark = Buffer.alloc(4096, 'wrapped ');
  const wrapper: VolumeManager<true> = {
    name: 'wrapper',
    probe: async (source) => (source.size > 8 && (await source.read(0, 8)).equals(mark.subarray(0, 8))) || undefined,
    place: () => 0,
    describe: () => ({ content: 'wrapped', uuid: 'w' }),
    assemble: async (members) => ({
      notes: [],
      made: members.map(({ name, source }) => ({
        ...{ name: `inside-${name}`, how: 'unwrapped', on: [name], diagnostics: [] },
        source: new SliceSource(source, mark.length, source.size - mark.length),
      })),
    }),
  };
  const source = new MemorySource(Buffer.concat([mark, fixtureDisk('lvm')]));
  const layout = await readLayout(source, { managers: [wrapper, ...volumeManagers] });
  expect(layout.volumes.slice(0, 6).map(({ name, content, on }) => [name, content, on])).toEqual([
    ['disk', 'wrapped', []],
    ['inside-disk', 'gpt partitions', ['disk']],
    ...[1, 2, 3, 4].map((number) => [`inside-diskp${number}`, 'LVM2', ['inside-disk']]),
  ]);
  for (const name of ['linear', 'striped', 'mirrored', 'raid']) {
    expect(await contentOfTiny(layout, `vg0/${name}`)).toBe(`in ${name}\n`);
  }
});

it('sees a group in what was encrypted, by every name of its devices', async () => {
  const [, part] = await partsOf(fixtureDisk('lvm-stale'));
  writeFileSync(join(folder, 'pv'), fixtureDisk('lvm-stale').subarray(part?.start, part?.end));
  const encrypted = readFileSync(encryption.byCryptsetup('pv', 'encrypted-pv', ...kdf));
  const layout = await readLayout(new MemorySource(encrypted), { keys: [key] });
  expect(layout.volumes.map(({ name, content, on }) => [name, content, on])).toEqual([
    ['disk', 'LUKS2', []],
    ['luks:disk', 'LVM2', ['disk']],
    ['vg1/raid', 'ext2', ['luks:disk']],
  ]);
  expect(await contentOfTiny(layout, 'vg1/raid')).toBe('in lvm-stale\n');
  const uuid = layout.volumes[0]?.uuid;
  expect(uuid).toMatch(/^[0-9a-f-]{36}$/);
  const opened = new Map([
    ['root', `UUID=${uuid}`],
    ['other', '/dev/vda'],
  ]);
  for (const [device, volume] of [
    ['/dev/vg1/raid', 'vg1/raid'],
    ['/dev/mapper/vg1-raid', 'vg1/raid'],
    ['/dev/mapper/root', 'luks:disk'],
    ['/dev/mapper/other', 'luks:disk'],
    [`/dev/mapper/luks-${uuid}`, 'luks:disk'],
    ['/dev/mapper/unknown', undefined],
    ['/dev/vg1/unknown', undefined],
  ] as const) {
    expect(resolveDevice(layout, device, opened)?.name, device).toBe(volume);
  }
});

it('sees an array in what was encrypted', async () => {
  const disk = fixtureDisk('md-stale');
  const [, part] = await partsOf(disk);
  writeFileSync(join(folder, 'device'), disk.subarray(part?.start, part?.end));
  const encrypted = readFileSync(encryption.byCryptsetup('device', 'encrypted-device', ...kdf));
  const layout = await readLayout(new MemorySource(encrypted), { keys: [key] });
  expect(layout.volumes.map(({ name, content, on }) => [name, content, on])).toEqual([
    ['disk', 'LUKS2', []],
    ['luks:disk', 'MD raid1', ['disk']],
    ['md0', 'ext2', ['luks:disk']],
  ]);
  expect(await contentOfTiny(layout, 'md0')).toBe('in md-stale\n');
  expect(resolveDevice(layout, '/dev/md0')?.name).toBe('md0');
});

it('takes the mark at the end of a disk for that of its last partition', async () => {
  // The second partition reaches to the end of a disk that is cut there, so its 0.90 superblock is where one of the disk would be.
  const whole = fixtureDisk('md-0.90-raid1');
  const parts = await partsOf(whole);
  const layout = await readLayout(new MemorySource(whole.subarray(0, parts[1]?.end)));
  expect(layout.volumes.map(({ name }) => name)).toEqual(['p1', 'p2', 'md0']);
  expect(await contentOfTiny(layout, 'md0')).toBe('in md-0.90-raid1\n');
});

it('takes a mark within a partition for what an earlier use of the disk left', async () => {
  const disk = fixtureDisk('md-0.90-raid1');
  const parts = await partsOf(disk);
  const [first] = parts;
  // The device as a whole disk, with a table whose partition reaches over its superblock, and holds a file system.
  const device = Buffer.from(disk.subarray(first?.start, first?.end));
  const bytes = Buffer.concat([device.subarray(0, 512), device.subarray(0, device.length - 512)]);
  const superblock = device.length - (device.length % 65_536) - 65_536;
  device.copy(bytes, superblock, superblock, superblock + 4096);
  bytes.fill(0, 0, 510);
  bytes.set([0, 0, 0, 0, 0x83, 0, 0, 0, 1, 0, 0, 0], 446);
  bytes.writeUInt32LE(device.length / 512 - 1, 458);
  bytes.set([0x55, 0xaa], 510);
  const layout = await readLayout(new MemorySource(bytes));
  expect(layout.volumes.map(({ name, content }) => [name, content])).toEqual([['p1', 'ext2']]);
});

it('ends where volumes lie on one another without end', async () => {
  const onion: VolumeManager<number> = {
    name: 'onion',
    probe: async (source) => (source.size > 512 ? source.size : undefined),
    place: () => 0,
    describe: () => ({ content: 'onion', uuid: '' }),
    assemble: async (members) => ({
      notes: [],
      made: members.map(({ name, source }) => ({
        ...{ name: `${name}-`, how: 'peeled', on: [name], diagnostics: [] },
        source: new SliceSource(source, 0, source.size),
      })),
    }),
  };
  const layout = await readLayout(new MemorySource(Buffer.alloc(2 ** 20)), { managers: [onion] });
  expect(layout.volumes).toHaveLength(10);
  expect(layout.volumes.at(-1)?.reason?.message).toContain('lie on one another more than 8 deep');
});
