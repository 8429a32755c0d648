import { describe, expect, test } from 'vitest';
import { builtins, compileSuite } from '../../src/suite/index.ts';
import { judge } from './judge.ts';

const virtio = { release: '6.1', loaded: true, builtin: false, indexed: true, parameters: { queue_depth: '0' } };
const cmdline = {
  line: 'root=/dev/vda2 console=tty0 console=ttyS0,115200 ro init=/sbin/init',
  words: [],
  parameters: [
    { name: 'root', value: '/dev/vda2' },
    { name: 'console', value: 'tty0' },
    { name: 'console', value: 'ttyS0,115200' },
    { name: 'ro', value: null },
    { name: 'boot_delay', value: '5' },
  ],
};
const config = {
  release: '6.1',
  source: '/proc/config.gz',
  values: { CONFIG_A: 'm', CONFIG_HZ: '250', CONFIG_T: '0x10' },
};

const guid = '0fc63daf-8483-4772-8e79-3d69d8477de4';
const disk = {
  exists: true,
  size: 2 ** 21,
  table: 'gpt',
  partitions: [
    {
      number: 1,
      start: 0,
      size: 2 ** 20,
      type: guid,
      typeName: 'Linux data',
      label: 'root',
      uuid: '',
      filesystem: 'ext4',
    },
  ],
};
const log = [
  { level: 6, kernel: true, at: 0, text: 'booting' },
  { level: 4, kernel: true, text: 'slow' },
  { level: 3, kernel: true, text: 'known fault' },
  { level: 3, kernel: false, text: 'mark' },
];
const deaths = {
  pattern: 'core',
  dumps: [{ path: '/var/crash/core' }],
  crashes: [{ program: 'sleep', pid: 3, line: 'sleep[3]: segfault' }],
};

describe.each<[string, [declaration: object, value: unknown, findings: string[]][]]>([
  [
    'package',
    [
      [{ name: 'a', versions: ['1', '2'] }, { manager: 'portage', installed: true, versions: ['2', '1'] }, []],
      [
        { name: 'a', versions: { contains: { semver: '>=3' } } },
        { manager: 'portage', installed: true, versions: ['2.4'] },
        ['versions.contains: versions: {"semver":">=3"} is not in it'],
      ],
      [
        { name: 'a', installed: true, versions: ['1'] },
        { manager: 'dpkg', installed: false, versions: [] },
        ['installed: installed: it is not installed (dpkg)'],
      ],
      [
        { name: 'a', installed: false },
        { manager: 'dpkg', installed: true, versions: ['1'] },
        ['installed: installed: it is installed'],
      ],
    ],
  ],
  [
    'group',
    [
      [{ name: 'a', gid: 5, members: ['b'] }, { exists: true, gid: 5, members: ['b'] }, []],
      [{ name: 'a', gid: 5 }, { exists: false }, [': there is no group a']],
      [{ name: 'a', exists: false }, { exists: true, gid: 5, members: [] }, ['exists: group a exists']],
      [
        { name: 'a', gid: { lt: 5 }, members: [] },
        { exists: true, gid: 5, members: ['b'] },
        ['gid.lt: gid: expected less than 5, found 5', 'members: members: expected none; not expected: "b"'],
      ],
    ],
  ],
  [
    'interface',
    [
      [
        { name: 'lo', mtu: { ge: 1500 }, addrs: { contains: '::1/128' } },
        [{ name: 'lo', mtu: 65536, addrs: ['::1/128'] }],
        [],
      ],
      [{ name: 'wlan0', exists: false }, [{ name: 'lo', mtu: 65536 }], []],
      [{ name: 'wlan0', mtu: 1 }, [{ name: 'lo', mtu: 65536 }], [': there is no interface wlan0']],
      [
        { name: 'lo', mtu: 1, addrs: [] },
        [{ name: 'lo', mtu: 2 }],
        ['addrs: addrs: could not be learned', 'mtu: mtu: expected 1, found 2'],
      ],
    ],
  ],
  [
    'kernel-param',
    [
      [{ name: 'a.b', value: 1 }, { exists: true, value: '1' }, []],
      [{ name: 'a.b', value: '1 2' }, { exists: true, value: '1 2' }, []],
      [
        { name: 'a.b', value: { ge: 2, matches: '^.$' } },
        { exists: true, value: '1' },
        ['value.ge: value: expected at least 2, found "1"'],
      ],
      [{ name: 'a.b', value: 1 }, { exists: true, value: 'on' }, ['value: value: expected 1, found "on"']],
      [
        { name: 'a.b', value: { lt: 3 } },
        { exists: true, value: '' },
        ['value.lt: value: expected less than 3, found ""'],
      ],
      [{ name: 'a.b', value: 1 }, { exists: false }, [': there is no kernel parameter a.b']],
    ],
  ],
  [
    'kconfig',
    [
      [{ CONFIG_A: ['y', 'm'], CONFIG_HZ: { ge: 250 }, CONFIG_GONE: 'n', CONFIG_T: 16 }, config, []],
      [
        { CONFIG_A: 'y', CONFIG_HZ: [100, 1000], CONFIG_GONE: { any: ['y', 'm'] } },
        config,
        [
          'CONFIG_A: CONFIG_A: expected "y", found m in /proc/config.gz',
          'CONFIG_HZ: CONFIG_HZ: expected one of 100, 1000, found 250 in /proc/config.gz',
          'CONFIG_GONE.any: CONFIG_GONE: expected any of "y", "m", found n (not set) in /proc/config.gz',
        ],
      ],
    ],
  ],
  [
    'module',
    [
      [{ name: 'a', loaded: true, builtin: false, available: true, parameters: { queue_depth: 0 } }, virtio, []],
      [
        { name: 'a', loaded: false, builtin: true, parameters: { queue_depth: 3, other: 'Y' } },
        virtio,
        [
          'loaded: loaded: it is loaded',
          'builtin: builtin: it is not built in',
          'parameters.queue_depth: queue_depth: expected 3, found "0"',
          'parameters.other: other: a shows no such parameter',
        ],
      ],
      [{ name: 'a', available: false }, { release: '6.1', loaded: false, builtin: false, indexed: true }, []],
      [
        { name: 'a', available: false, builtin: false },
        { release: '6.1', loaded: false, indexed: false },
        ['builtin: builtin: could not be learned', 'available: available: could not be learned'],
      ],
    ],
  ],
  [
    'cmdline',
    [
      [
        {
          line: { contains: 'init=' },
          parameters: { root: true, quiet: false, 'boot-delay': 5, console: ['ttyS0,115200', 'tty0'], ro: '' },
        },
        cmdline,
        [],
      ],
      [
        { parameters: { root: false, quiet: true, console: 'tty0', nosmp: { matches: '.' }, boot_delay: { gt: 5 } } },
        cmdline,
        [
          'parameters.root: root is given',
          'parameters.quiet: quiet is not given',
          'parameters.console: console: expected "tty0", found "ttyS0,115200"',
          'parameters.nosmp: nosmp is not given',
          'parameters.boot_delay.gt: boot_delay: expected greater than 5, found "5"',
        ],
      ],
      [
        { parameters: { console: ['ttyS0'] } },
        cmdline,
        [
          'parameters.console: console: expected exactly ["ttyS0"]; missing: "ttyS0"; not expected: "tty0", "ttyS0,115200"',
        ],
      ],
    ],
  ],
  [
    'addr',
    [
      [{ address: 'tcp://a:1', reachable: true }, { reachable: true, why: '', tool: 'nc' }, []],
      [
        { address: '[::1]:1', reachable: true },
        { reachable: false, why: 'connection refused', tool: 'nc' },
        ['reachable: reachable: it is not reachable: connection refused'],
      ],
      [
        { address: 'a:1', reachable: false },
        { reachable: true, why: '', tool: 'nc' },
        ['reachable: reachable: it is reachable'],
      ],
    ],
  ],
  [
    'dns',
    [
      [{ name: 'a', addrs: ['1.2.3.4'], resolvable: true }, { resolvable: true, addrs: ['1.2.3.4'], tool: 'dig' }, []],
      [
        { name: 'a', resolvable: true, addrs: ['1.2.3.4'] },
        { resolvable: false, addrs: [], tool: 'dig' },
        [
          'resolvable: resolvable: it is not resolvable',
          'addrs: addrs: expected exactly ["1.2.3.4"]; missing: "1.2.3.4"',
        ],
      ],
    ],
  ],
  [
    'http',
    [
      [
        { url: 'http://a', status: 200, headers: ['Content-Type: text/html'], body: { matches: '^b$' } },
        { status: 200, headers: ['Content-Type: text/html'], body: 'a\nb\n', tool: 'curl' },
        [],
      ],
      [
        { url: 'http://a', status: { lt: 400 }, headers: { contains: 'X-A' }, body: 'x' },
        { status: 404, tool: 'busybox wget' },
        [
          'status.lt: status: expected less than 400, found 404',
          'headers: headers: could not be learned',
          'body: body: could not be learned',
        ],
      ],
    ],
  ],
  [
    'filesystem',
    [
      [
        { path: '/', type: 'ext4', size: { ge: '1G', le: 2 ** 31 }, free: { gt: '1K' }, used: { lt: 90 }, label: '' },
        { exists: true, type: 'ext4', size: 2 ** 30, free: 2 ** 20, used: 7, label: '', uuid: '' },
        [],
      ],
      [
        { path: '/', size: '1G', free: { ge: '10M' }, used: { lt: 90 }, mounted: '/' },
        { exists: true, size: 2 ** 30 + 1, free: 2 ** 20, used: 97 },
        [
          'mounted: mounted: expected "/", found "nowhere"',
          'size: size: expected 1G, found 1G (1073741825 bytes)',
          'free.ge: free: expected at least 10M, found 1M',
          'used.lt: used: expected less than 90, found 97',
        ],
      ],
      [{ path: '/x', type: 'xfs' }, { exists: false }, [': /x is neither a mount point nor a block device']],
    ],
  ],
  [
    'partition',
    [
      [
        {
          disk: '/dev/a',
          table: 'gpt',
          count: 1,
          partitions: { root: { type: 'Linux data', size: '1M' }, '1': { type: guid } },
        },
        disk,
        [],
      ],
      [
        {
          disk: '/dev/a',
          table: 'dos',
          size: { lt: '1M' },
          partitions: { '2': { size: '1M' }, root: { type: 'x', filesystem: '' } },
        },
        disk,
        [
          'table: table: expected "dos", found "gpt"',
          'size.lt: size: expected less than 1M, found 2M',
          'partitions.2: there is no partition 2',
          `partitions.root.type: partition root: type: expected "x", found "${guid}"`,
          'partitions.root.filesystem: partition root: filesystem: expected "", found "ext4"',
        ],
      ],
      [{ disk: '/dev/b', count: 0 }, { exists: false }, [': /dev/b is no block device']],
    ],
  ],
  [
    'setuid',
    [
      [{ files: ['/b', '/a'] }, ['/a', '/b'], []],
      [{ files: ['/a'] }, ['/a', '/b'], ['files: files: expected exactly ["/a"]; not expected: "/b"']],
    ],
  ],
  [
    'dmesg',
    [
      [{ level: 'err', lines: '', ignore: ['^known'] }, log, []],
      [{ lines: ['booting', { not: { contains: 'mark' } }], count: 3 }, log, []],
      [{ level: 'err', count: 0 }, log, ['count: count: expected 0, found 1']],
      [{ from: 'all', level: 'err', lines: '' }, log, ['lines: lines: the text differs from what is expected']],
      [
        { lines: { matches: '^shutdown' } },
        log,
        ['lines.matches: lines: booting\nslow\nknown fault does not match /^shutdown/'],
      ],
    ],
  ],
  [
    'journal',
    [
      [
        { identifier: 'sshd', lines: ['sshd: yes'] },
        { source: 'journal', entries: [{ identifier: 'sshd', message: 'yes' }] },
        [],
      ],
      [
        { level: 'err', count: 0, ignore: ['^b: '] },
        { source: '/var/log/messages', entries: [{ identifier: 'b', message: 'x' }, { message: 'y' }] },
        ['count: count: expected 0, found 1'],
      ],
    ],
  ],
  [
    'coredump',
    [
      [{ none: true, allow: ['^sleep$', '^/var/crash/'] }, deaths, []],
      [{ none: false }, deaths, []],
      [{ none: false, allow: ['.'] }, deaths, ['none: nothing has died by a fault']],
      [
        { none: true },
        deaths,
        [
          'none: a program left a core dump: /var/crash/core',
          'none: sleep (process 3) died by a fault: sleep[3]: segfault',
        ],
      ],
      [{ none: true }, { pattern: 'core', dumps: [] }, [': could not be learned: the guest gave no answer']],
    ],
  ],
])('%s', (kind, cases) => {
  test.each(cases)('%j of %j', (declaration, value, findings) => {
    expect(judge(kind, declaration, value)).toEqual(findings);
  });
});

test.each([
  [
    'kconfig: { A: y }',
    '4:16: tests.0.kconfig.A: unknown key; the symbols of a kernel configuration begin with CONFIG_',
  ],
  ['kconfig: {}', '4:14: tests.0.kconfig: asserts nothing'],
  ['kconfig: { CONFIG_A: [] }', 'tests.0.kconfig.CONFIG_A: an empty list allows nothing'],
  [
    'package: { name: a, installed: false, versions: ["1"] }',
    'contradicts "installed: false": a package that is not installed has no versions',
  ],
  [
    'kernel-param: { name: swappiness, value: 1 }',
    'expected the name of a kernel parameter such as net.ipv4.ip_forward',
  ],
  ['cmdline: { parameters: { "a=b": true } }', 'expected the name of a parameter, without "="'],
  ['module: { name: a.ko, loaded: true }', 'expected the name of a kernel module'],
  ['file: { path: /a, size: 10X }', 'expected a size such as 512M'],
  ['boot-time: { kernel: { lt: 5 } }', 'expected a duration such as 500ms'],
  ['addr: { address: "a:99999", reachable: true }', 'a port is a number from 1 to 65535'],
  ['addr: { address: a, reachable: true }', 'expected an address such as tcp://example.org:80'],
  ['dns: { name: a, qtype: MX }', 'asserts nothing: give at least one of resolvable, addrs'],
  ['dmesg: { level: err }', 'asserts nothing: give at least one of lines, count'],
  ['dmesg: { lines: [] }', 'an empty list of patterns asserts nothing'],
  ['journal: { count: 0, ignore: ["("] }', 'Invalid regular expression'],
  ['http: { url: "ftp://a", status: 200 }', 'expected a URL that begins with http:// or https://'],
  ['partition: { disk: /dev/a, partitions: { 1: {} } }', 'asserts nothing: give a key of the partition'],
  ['filesystem: { path: / }', 'asserts nothing'],
])('%s is refused', (line, problem) => {
  const text = `suite: s\ntests:\n  - name: t\n    ${line}\n`;
  expect(() => compileSuite(text, 's.gvm.yaml', builtins)).toThrow(problem.replace(/^\d+:\d+: \S+ /, ''));
});
