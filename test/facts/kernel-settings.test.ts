import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parameterOf, splitCommandLine } from '../../src/facts/command-line.ts';
import type { CmdlineValue, KconfigValue, KernelParamValue, ModuleValue } from '../../src/facts/index.ts';
import { settingOf } from '../../src/facts/kconfig.ts';
import { paramPath } from '../../src/facts/kernel-param.ts';
import { ask, parse } from './ask.ts';
import { bareGuest, canChroot } from './chroot.ts';
import { localChannel, shells } from './local-channel.ts';

describe.each(shells.map((shell) => [shell.join(' '), shell] as const))('under %s', (_, shell) => {
  test('kernel parameters are those of /proc/sys, whatever separates their names', async () => {
    const asked = ['kernel.ostype', 'kernel/osrelease', 'net.ipv4.tcp_rmem', 'vm.no_such', 'net.ipv4.route.flush'];
    const answers = await ask(localChannel(shell), 'kernel-param', ...asked.map((name) => ({ name })));
    const say = (path: string) => readFileSync(path, 'utf8').trim().replace(/\s+/g, ' ');
    expect(answers.slice(0, 4).map((a) => a.value as KernelParamValue)).toEqual([
      { exists: true, value: 'Linux' },
      { exists: true, value: release() },
      { exists: true, value: say('/proc/sys/net/ipv4/tcp_rmem') },
      { exists: false },
    ]);
    // It can be written only.
    expect(answers[4]?.value).toBeUndefined();
    const [alone] = await ask(localChannel(shell), 'kernel-param', { name: 'kernel.ostype' });
    expect(alone?.value).toEqual({ exists: true, value: 'Linux' });
  });

  test('the command line is that of /proc/cmdline', async () => {
    const [answer] = await ask(localChannel(shell), 'cmdline', {});
    expect((answer?.value as CmdlineValue | undefined)?.line).toBe(
      readFileSync('/proc/cmdline', 'utf8').replace(/\n$/, ''),
    );
  });

  test('a module that this kernel does not have is not loaded', async () => {
    const [answer] = await ask(localChannel(shell), 'module', { name: 'no-such-module', parameters: ['x'] });
    expect(answer).toMatchObject({ value: { release: release(), loaded: false, parameters: {} }, diagnostics: [] });
  });

  test.runIf(readConfig() !== undefined)('the configuration is that of /proc/config.gz', async () => {
    const config = readConfig() ?? '';
    const asked = ['CONFIG_64BIT', 'CONFIG_HZ', 'CONFIG_LOCALVERSION', 'CONFIG_NO_SUCH_SYMBOL'];
    const [answer] = await ask(localChannel(shell), 'kconfig', { symbols: asked });
    const found = answer?.value as KconfigValue | undefined;
    expect(found?.source).toBe('/proc/config.gz');
    for (const symbol of asked) {
      const line = config.split('\n').find((l) => l.startsWith(`${symbol}=`));
      expect(found?.values[symbol]).toBe(line?.slice(symbol.length + 1).replaceAll('"', ''));
    }
  });
});

function readConfig(): string | undefined {
  try {
    return execFileSync('zcat', ['/proc/config.gz'], { stdio: ['ignore', 'pipe', 'ignore'] }).toString();
  } catch {
    return undefined;
  }
}

describe.runIf(canChroot)('in a guest that has only busybox', () => {
  const lib = `/lib/modules/${release()}`;
  const config = 'CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C="say \\"hi\\""\n';
  const kconfig = async (files: Record<string, string | Buffer>) => {
    const guest = bareGuest(files);
    try {
      const [answer] = await ask(guest.channel, 'kconfig', { symbols: ['CONFIG_A', 'CONFIG_B', 'CONFIG_C'] });
      const value = answer?.value as KconfigValue | undefined;
      return { source: value?.source, values: value?.values, diagnostics: answer?.diagnostics };
    } finally {
      guest.remove();
    }
  };
  const values = { CONFIG_A: 'y', CONFIG_C: 'say "hi"' };

  test.each([
    ['/proc/config.gz', gzipSync(config)],
    [`/boot/config-${release()}`, config],
    [`${lib}/config`, config],
    [`/usr/src/linux-${release()}/.config`, config],
  ])('the configuration is found at %s', async (path, content) => {
    const extra = path.startsWith('/usr')
      ? { [path.replace('.config', 'include/config/kernel.release')]: `${release()}\n` }
      : {};
    expect(await kconfig({ [path]: content, ...extra })).toEqual({ source: path, values, diagnostics: [] });
  });

  test('a build tree counts as long as it is of this release', async () => {
    const tree = { [`${lib}/build/.config`]: config, [`${lib}/build/include/config/kernel.release`]: `${release()}\n` };
    expect(await kconfig(tree)).toMatchObject({ source: `${lib}/build/.config`, values });
    const gone = { ...tree, [`${lib}/build/include/config/kernel.release`]: '7.0.0\n' };
    expect(await kconfig(gone)).toEqual({
      diagnostics: [`the guest has no configuration of its kernel ${release()}`, `${lib}/build/.config is of 7.0.0`],
    });
  });

  test('an empty or damaged configuration says nothing', async () => {
    const damaged = {
      diagnostics: ['/proc/config.gz of the guest holds no kernel configuration', expect.stringContaining('zcat')],
    };
    expect(await kconfig({ '/proc/config.gz': Buffer.from('no gzip') })).toMatchObject(damaged);
    expect(await kconfig({ [`/boot/config-${release()}`]: '' })).toMatchObject({ source: undefined });
  });

  test('modules: loaded, on the disk, built in, unknown', async () => {
    const guest = bareGuest({
      '/proc/sys/': '',
      '/proc/modules': 'virtio_net 65536 0 - Live 0x0\nnet_failover 24576 1 virtio_net, Live 0x0\n',
      [`${lib}/modules.dep`]:
        'kernel/drivers/net/virtio_net.ko.zst: kernel/x/net_failover.ko.zst\nkernel/a/snd-hda.ko:\n',
      [`${lib}/modules.builtin`]: 'kernel/drivers/tty/serial-core.ko\n',
      '/sys/module/virtio_net/parameters/napi_weight': '64\n',
    });
    try {
      const asked = ['virtio-net', 'snd_hda', 'serial_core', 'hda', 'nothing'];
      const answers = await ask(
        guest.channel,
        'module',
        ...asked.map((name) => ({ name, parameters: ['napi_weight'] })),
      );
      expect(answers.flatMap((a) => a.diagnostics)).toEqual([]);
      const found = answers.map((a) => a.value as ModuleValue);
      expect(found.map(({ loaded, builtin, file }) => [loaded, builtin, file])).toEqual([
        [true, false, 'kernel/drivers/net/virtio_net.ko.zst'],
        [false, false, 'kernel/a/snd-hda.ko'],
        [false, true, undefined],
        [false, false, undefined],
        [false, false, undefined],
      ]);
      expect(found.map((m) => m.parameters)).toEqual([{ napi_weight: '64' }, {}, {}, {}, {}]);
    } finally {
      guest.remove();
    }
  });

  test('without an index of modules only what is there is certain', async () => {
    const guest = bareGuest({
      '/proc/sys/': '',
      '/proc/modules': 'a 1 0 - Live 0x0\n',
      '/sys/module/b/': '',
      '/sys/module/a/': '',
    });
    try {
      const answers = await ask(guest.channel, 'module', { name: 'a' }, { name: 'b' }, { name: 'c' });
      expect(answers.map((a) => a.value)).toEqual([
        { release: release(), loaded: true, indexed: false },
        { release: release(), loaded: false, indexed: false, builtin: true },
        { release: release(), loaded: false, indexed: false },
      ]);
    } finally {
      guest.remove();
    }
  });
});

test.each([
  ['net.ipv4.ip_forward', '/proc/sys/net/ipv4/ip_forward'],
  ['net.ipv4.conf.eth0/1.forwarding', '/proc/sys/net/ipv4/conf/eth0.1/forwarding'],
  ['net/ipv4/conf/eth0.1/forwarding', '/proc/sys/net/ipv4/conf/eth0.1/forwarding'],
])('the parameter %s is %s', (name, path) => {
  expect(paramPath(name)).toBe(path);
});

test.each([
  [
    'root=/dev/vda2 ro',
    [
      ['root', '/dev/vda2'],
      ['ro', null],
    ],
  ],
  [
    'dyndbg="file a.c +p; func b -p" x',
    [
      ['dyndbg', 'file a.c +p; func b -p'],
      ['x', null],
    ],
  ],
  [
    '"boot-opt=a b" rd.break',
    [
      ['boot_opt', 'a b'],
      ['rd.break', null],
    ],
  ],
  [
    'a=b=c d="',
    [
      ['a', 'b=c'],
      ['d', ''],
    ],
  ],
  ['', []],
])('the command line %j', (line, expected) => {
  expect(
    splitCommandLine(line)
      .map(parameterOf)
      .map((p) => [p.name, p.value]),
  ).toEqual(expected);
});

test('what follows -- is for init', () => {
  const [answer] = parse('cmdline', { cmdline: 'quiet -- single\n' }, [{}]);
  expect(answer?.value).toEqual({
    line: 'quiet -- single',
    words: ['quiet', '--', 'single'],
    parameters: [{ name: 'quiet', value: null }],
  });
});

test('the parsers take any text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      splitCommandLine(text).map(parameterOf);
      settingOf(text);
      settingOf(`CONFIG_A="${text}"`);
    }),
  );
});
