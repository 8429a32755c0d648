import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { builtinFacts, collect, type KernelValue, type MountValue, type UserValue } from '../../src/facts/index.ts';
import { parseMountinfo } from '../../src/facts/mount.ts';
import { localChannel, shells } from './local-channel.ts';

const say = (tool: string, ...args: string[]) => execFileSync(tool, args).toString().trim();

describe.each(shells.map((shell) => [shell.join(' '), shell] as const))('under %s', (_, shell) => {
  const ask = (fact: string, ...args: object[]) =>
    collect(
      args.map((a) => ({ fact, args: a })),
      { facts: builtinFacts, channel: localChannel(shell), timeout: 10_000 },
    );

  test('the kernel is the one that uname sees', async () => {
    const [answer] = await ask('kernel', {});
    expect(answer).toMatchObject({ diagnostics: [] });
    const kernel = answer?.value as KernelValue;
    expect(kernel.release).toBe(say('uname', '-r'));
    expect(kernel.version).toBe(say('uname', '-v'));
    expect(kernel.arch).toBe(say('uname', '-m'));
    expect(String(kernel.taint)).toBe(readFileSync('/proc/sys/kernel/tainted', 'utf8').trim());
    expect(kernel.taints.length).toBe(kernel.taint.toString(2).replaceAll('0', '').length);
  });

  test('the mounts are those of /proc/self/mounts', async () => {
    const [answer] = await ask('mount', {});
    expect(answer?.diagnostics).toEqual([]);
    const expected = readFileSync('/proc/self/mounts', 'utf8').trimEnd().split('\n');
    const found = ((answer?.value ?? []) as MountValue).map(
      (m) => `${m.source} ${m.path} ${m.fstype} ${[...m.options].sort()}`,
    );
    expect(found).toEqual(
      expected.map((line) => {
        const [source, path, fstype, options = ''] = line.split(' ').map((f) => f.replaceAll('\\040', ' '));
        return `${source} ${path} ${fstype} ${options.split(',').sort()}`;
      }),
    );
  });

  test('accounts are those that id and getent know', async () => {
    const me = userInfo().username;
    const [root, own, games, nobody] = await ask(
      'user',
      { name: 'root', groups: true },
      { name: me, groups: true },
      { name: 'games' },
      { name: 'no-such-user', groups: true },
    );
    expect(nobody?.value).toEqual({ exists: false });
    expect(games?.value).not.toHaveProperty('groups');
    for (const [name, answer] of [
      ['root', root],
      [me, own],
    ] as const) {
      const [, , uid, gid, , home, shellPath] = say('getent', 'passwd', name).split(':');
      expect(answer?.value as UserValue).toEqual({
        exists: true,
        uid: Number(uid),
        gid: Number(gid),
        home,
        shell: shellPath,
        groups: [...new Set(say('id', '-Gn', name).split(' '))].sort(),
      });
    }
  });
});

test('without getent the accounts come from the files', () => {
  const fact = builtinFacts.find((f) => f.name === 'user');
  const part = (label: string, text: string) => ({ label, data: Buffer.from(text) });
  const output = {
    status: 0,
    stderr: '',
    parts: [
      part('passwd', 'root:x:0:0:root:/root:/bin/ash\nbuild:x:100:101:Builder:/home/build:/bin/sh\nbad:x:a:b::/:/\n'),
      part('group', 'root:x:0:\nwheel:x:10:root,build\nbuild:x:101:\n'),
    ],
  };
  const requests = [{ name: 'build', groups: true }, { name: 'bad' }, { name: 'x' }];
  expect(fact?.parse(output, requests)).toEqual([
    {
      value: { exists: true, uid: 100, gid: 101, home: '/home/build', shell: '/bin/sh', groups: ['build', 'wheel'] },
      diagnostics: [],
    },
    { diagnostics: ['the account bad is malformed: bad:x:a:b::/:/'] },
    { value: { exists: false }, diagnostics: [] },
  ]);
});

test.each([
  [
    '36 35 98:0 /mnt1 /mnt\\0402\\011x\\134y rw,noatime master:1 - ext3 /dev/ro\\040ot rw,errors=continue',
    { path: '/mnt 2\tx\\y', source: '/dev/ro ot', fstype: 'ext3', options: ['rw', 'noatime', 'errors=continue'] },
  ],
  [
    '1 0 8:1 / / ro,relatime - ext4 /dev/vda2 rw',
    { path: '/', source: '/dev/vda2', fstype: 'ext4', options: ['ro', 'relatime'] },
  ],
  ['1 0 8:1 / / rw - tmpfs  ro', { path: '/', source: '', fstype: 'tmpfs', options: ['ro'] }],
  ['1 0 8:1 / / rw shared:1 ext4 /dev/vda2 rw', undefined],
  ['', undefined],
])('mountinfo %j', (line, expected) => {
  expect(parseMountinfo(line)).toEqual(expected);
});

test('the mountinfo parser takes any text', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void parseMountinfo(text)));
});
