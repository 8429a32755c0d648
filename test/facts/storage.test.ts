import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statfsSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseBlkid } from '../../src/facts/blkid.ts';
import { usageOf } from '../../src/facts/filesystem.ts';
import type { FilesystemValue, PartitionValue } from '../../src/facts/index.ts';
import { ask, parse } from './ask.ts';
import { localChannel, shells } from './local-channel.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gvm-setuid-'));
  mkdirSync(join(folder, 'sub dir'));
  for (const [name, mode] of [
    ['plain', 0o755],
    ['su', 0o4755],
    ['sub dir/line\nbreak', 0o2755],
    ['sub dir/both', 0o6711],
  ] as const) {
    writeFileSync(join(folder, name), '');
    chmodSync(join(folder, name), mode);
  }
  chmodSync(join(folder, 'sub dir'), 0o2775);
  symlinkSync('su', join(folder, 'link'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(shells.map((shell) => [shell.join(' '), shell] as const))('under %s', (_, shell) => {
  test('setuid and setgid files, whatever they are called; no folders, no links', async () => {
    const [answer, none] = await ask(localChannel(shell), 'setuid', { paths: [folder] }, { paths: [`${folder}/gone`] });
    const found = ['su', 'sub dir/both', 'sub dir/line\nbreak'].map((name) => join(folder, name)).sort();
    expect(answer).toEqual({ value: found, diagnostics: [] });
    // A folder that is not there cannot be searched.
    expect(none?.value).toBeUndefined();
  });

  test('another file system below is not entered', async () => {
    const [answer] = await ask(localChannel(shell), 'setuid', { paths: ['/proc/sys'] });
    expect(answer).toEqual({ value: [], diagnostics: [] });
  });

  test('the root file system has the size that statfs tells', async () => {
    const [root, none] = await ask(localChannel(shell), 'filesystem', { path: '/' }, { path: '/no/such/place' });
    const value = root?.value as Extract<FilesystemValue, { exists: true }>;
    const { bsize, blocks } = statfsSync('/');
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8').trimEnd().split('\n');
    const type = mounts
      .map((line) => line.split(' '))
      .findLast((fields) => fields[4] === '/')
      ?.join(' ')
      .split(' - ')[1];
    expect(value).toMatchObject({ exists: true, mounted: '/', type: type?.split(' ')[0], size: bsize * blocks });
    expect(value.used).toBeLessThanOrEqual(100);
    expect(none?.value).toEqual({ exists: false });
  });

  test('a path that is no disk has no partitions', async () => {
    const answers = await ask(localChannel(shell), 'partition', { disk: '/dev/null' }, { disk: '/no/such' });
    expect(answers.map((a) => a.value)).toEqual([{ exists: false }, { exists: false }]);
  });
});

test.runIf(userInfo().uid === 0)('without permission to look everywhere nothing is said to be complete', async () => {
  mkdirSync(join(folder, 'closed'), { mode: 0o700 });
  chmodSync(folder, 0o755);
  const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '/bin/sh'] as const;
  const [answer] = await ask(localChannel(nobody), 'setuid', { paths: [folder] });
  expect(answer?.value).toBeUndefined();
  expect(answer?.diagnostics[0]).toBe(`not everything below ${folder} could be looked at`);
});

test('sizes as df counts them', () => {
  expect(usageOf([4096, 1000, 400, 350, 100, 75])).toEqual({ size: 4_096_000, free: 1_433_600, used: 64, inodes: 25 });
  expect(usageOf([512, 0, 0, 0, 0, 0])).toEqual({ size: 0, free: 0, used: 0, inodes: 0 });
  expect(usageOf([1, 10, 20, 30, 1, 5])).toMatchObject({ used: 0, inodes: 0 });
});

test('blkid of util-linux and of busybox', () => {
  expect(parseBlkid('DEVNAME=/dev/vda1\nLABEL=my\\ disk\nUUID=6776-6D01\n\nDEVNAME=/dev/vda2\nTYPE=ext4\n')).toEqual(
    new Map([
      ['/dev/vda1', { DEVNAME: '/dev/vda1', LABEL: 'my disk', UUID: '6776-6D01' }],
      ['/dev/vda2', { DEVNAME: '/dev/vda2', TYPE: 'ext4' }],
    ]),
  );
  expect(parseBlkid('/dev/sda1: LABEL="a b" UUID="1" TYPE="ext4"\n')).toEqual(
    new Map([['/dev/sda1', { LABEL: 'a b', UUID: '1', TYPE: 'ext4' }]]),
  );
});

test('a file system by lsblk', () => {
  const parts = { 'place.0': '/\n/dev/vda2\nxfs\n', 'blkid.0': '/dev/vda2: FSTYPE="xfs" LABEL="a b" UUID="1"\n' };
  const [answer] = parse('filesystem', parts, [{ path: '/' }]);
  expect(answer?.value).toMatchObject({ type: 'xfs', label: 'a b', uuid: '1' });
});

test('a file system that no one may look at has neither label nor UUID', () => {
  const parts = { 'place.0': '/\n/dev/vda2\next4\n', 'stat.0': '4096 100 50 40 10 5\n' };
  const [answer] = parse('filesystem', parts, [{ path: '/' }]);
  expect(answer).toEqual({
    value: {
      exists: true,
      mounted: '/',
      device: '/dev/vda2',
      type: 'ext4',
      size: 409_600,
      free: 163_840,
      used: 56,
      inodes: 50,
    },
    diagnostics: ['neither blkid nor lsblk tells anything of it'],
  });
});

describe('partitions', () => {
  const sys = '2 83968 4108288 vda2\n1 2048 81920 vda1\n';
  const head = { 'disk.0': 'vda\n', 'size.0': '4194304\n', 'sys.0': sys };
  const ask = (parts: Record<string, string>) => {
    const [answer] = parse('partition', { ...head, ...parts }, [{ disk: '/dev/vda' }]);
    return { value: answer?.value as Extract<PartitionValue, { exists: true }>, diagnostics: answer?.diagnostics };
  };
  const esp = 'c12a7328-f81f-11d2-ba4b-00a0c93ec93b';

  test('by blkid', () => {
    const blkid = `DEVNAME=/dev/vda\nPTTYPE=gpt\n\nDEVNAME=/dev/vda1\nTYPE=vfat\nPART_ENTRY_NAME=EFI\nPART_ENTRY_UUID=0F3F\nPART_ENTRY_TYPE=${esp}\n`;
    expect(ask({ 'blkid.0': blkid })).toEqual({
      diagnostics: [],
      value: {
        exists: true,
        size: 2 ** 31,
        table: 'gpt',
        partitions: [
          {
            number: 1,
            start: 2 ** 20,
            size: 40 * 2 ** 20,
            type: esp,
            typeName: 'EFI system',
            label: 'EFI',
            uuid: '0f3f',
            filesystem: 'vfat',
          },
          { number: 2, start: 41 * 2 ** 20, size: 4108288 * 512 },
        ],
      },
    });
  });

  test('by lsblk', () => {
    const line = (name: string, more: string) => `NAME="${name}" PTTYPE="dos" ${more}\n`;
    const lsblk = `${line('vda', 'PARTTYPE="" PARTLABEL="" PARTUUID="" FSTYPE=""')}${line('vda1', 'PARTTYPE="0x83" PARTLABEL="a\\x20b" PARTUUID="1-01" FSTYPE="ext4"')}`;
    expect(ask({ 'lsblk.0': lsblk }).value).toMatchObject({
      table: 'dos',
      partitions: [{ type: '0x83', typeName: 'Linux', label: 'a b', uuid: '1-01', filesystem: 'ext4' }, { number: 2 }],
    });
  });

  test('without either the kernel still knows the places', () => {
    expect(ask({})).toMatchObject({
      value: { size: 2 ** 31, partitions: [{ number: 1 }, { number: 2 }] },
      diagnostics: ['neither blkid nor lsblk tells anything of vda'],
    });
    expect(ask({}).value.table).toBeUndefined();
    expect(ask({ 'sys.0': '', 'lsblk.0': 'NAME="vda" PTTYPE="" PARTTYPE=""\n' }).value.table).toBe('none');
  });
});
