import { describe, expect, test } from 'vitest';
import { builtins } from '../../src/suite/index.ts';
import { expect_, judge } from './judge.ts';

const openrc = (state: string, ...runlevels: string[]) => ({
  init: 'openrc',
  exists: true,
  state,
  enablement: runlevels.length > 0 ? 'enabled' : 'disabled',
  runlevels,
});
const systemd = (state: string, enablement: string) => ({
  init: 'systemd',
  exists: true,
  state,
  enablement,
  runlevels: [],
});

describe('service', () => {
  test.each<[object, unknown, string[]]>([
    [{ state: 'started', enabled: 'default' }, openrc('started', 'default'), []],
    [
      { state: 'started', enabled: true },
      openrc('crashed', 'boot'),
      ['state: state: expected "started", found "crashed"'],
    ],
    [{ enabled: 'default' }, openrc('started', 'boot'), ['enabled: enabled: expected in runlevel default, found boot']],
    [{ enabled: false }, openrc('started', 'boot'), ['enabled: enabled: expected not enabled, found boot']],
    [{ enabled: true }, openrc('started'), ['enabled: enabled: expected enabled, found in no runlevel']],
    [{ enabled: false, state: 'stopped' }, { ...openrc('stopped'), exists: false }, []],
    [
      { state: 'started' },
      { ...openrc('stopped'), exists: false },
      ['state: state: expected "started", found "stopped"; there is no service x'],
    ],
    [{ enabled: true }, systemd('started', 'enabled'), []],
    [{ enabled: true }, systemd('started', 'static'), ['enabled: enabled: expected enabled, found static']],
    [{ enabled: false }, systemd('started', 'static'), ['enabled: enabled: expected not enabled, found static']],
    [{ enabled: false }, systemd('stopped', 'masked'), []],
    [
      { enabled: 'default' },
      systemd('started', 'enabled'),
      ['enabled: enabled: systemd has no runlevel "default"; write true or false'],
    ],
  ])('%j of %j', (declaration, value, expected) => {
    expect(judge('service', { name: 'x', ...declaration }, value)).toEqual(expected);
  });
});

describe('openrc', () => {
  const value = {
    runlevel: 'default',
    crashed: ['ntpd'],
    services: {
      sshd: { state: 'started', runlevels: ['default'] },
      ntpd: { state: 'crashed', runlevels: ['default'] },
    },
  };
  test.each<[object, string[]]>([
    [{ runlevel: 'default', crashed: ['ntpd'], services: { sshd: { state: 'started', enabled: 'default' } } }, []],
    [{ crashed: [] }, ['crashed: crashed: expected none; not expected: "ntpd"']],
    [{ runlevel: 'boot' }, ['runlevel: runlevel: expected "boot", found "default"']],
    [
      { services: { ntpd: { state: 'started' }, gone: { enabled: true } } },
      [
        'services.ntpd.state: ntpd: state: expected "started", found "crashed"',
        'services.gone.enabled: gone: enabled: expected enabled, found in no runlevel; there is no such service',
      ],
    ],
    [
      { services: { constructor: { state: 'started' } } },
      ['services.constructor.state: constructor: state: expected "started", found "stopped"; there is no such service'],
    ],
  ])('%j', (declaration, expected) => {
    expect(judge('openrc', declaration, value)).toEqual(expected);
  });
});

describe('process, port, mount, kernel, user, file', () => {
  test.each<[string, object, unknown, string[]]>([
    ['process', { name: 'a', running: true, count: 2, user: 'root' }, { count: 2, pids: [1, 2], users: ['root'] }, []],
    ['process', { name: 'a', running: false }, { count: 1, pids: [7], users: ['root'] }, ['running: running: a runs']],
    [
      'process',
      { name: 'a', running: true, user: 'x' },
      { count: 0, pids: [], users: [] },
      ['running: running: a does not run', 'user: user: a does not run'],
    ],
    [
      'process',
      { name: 'a', user: 'root' },
      { count: 2, pids: [1, 2], users: ['nobody', 'root'] },
      ['user: user: expected "root", found "nobody"'],
    ],
    ['process', { name: 'a', count: 0 }, { count: 0, pids: [], users: [] }, []],
    [
      'port',
      { port: 'tcp:22', listening: true, ip: ['0.0.0.0', '::'] },
      [
        { protocol: 'tcp', port: 22, ip: '::' },
        { protocol: 'tcp', port: 22, ip: '0.0.0.0' },
      ],
      [],
    ],
    [
      'port',
      { port: 'tcp:22', listening: true },
      [{ protocol: 'udp', port: 22, ip: '::' }],
      ['listening: listening: nothing listens on tcp:22'],
    ],
    [
      'port',
      { port: 'tcp:22', listening: false },
      [{ protocol: 'tcp', port: 22, ip: '::' }],
      ['listening: listening: something listens on tcp:22'],
    ],
    [
      'port',
      { port: 'tcp:22', ip: ['127.0.0.1'] },
      [{ protocol: 'tcp', port: 22, ip: '0.0.0.0' }],
      ['ip: ip: expected exactly ["127.0.0.1"]; missing: "127.0.0.1"; not expected: "0.0.0.0"'],
    ],
    [
      'mount',
      { path: '/a/', fstype: 'ext4' },
      [
        { path: '/a', source: 'x', fstype: 'tmpfs', options: [] },
        { path: '/a', source: 'y', fstype: 'ext4', options: [] },
      ],
      [],
    ],
    ['mount', { path: '/b', fstype: 'ext4' }, [], [': nothing is mounted on /b']],
    [
      'mount',
      { path: '/', exists: false },
      [{ path: '/', source: 'x', fstype: 'ext4', options: [] }],
      ['exists: / is mounted'],
    ],
    [
      'kernel',
      { taint: 0 },
      { release: '6', version: '', arch: 'x86_64', taint: 512, taints: ['W: the kernel issued a warning'] },
      ['taint: taint: expected 0, found 512 (W: the kernel issued a warning)'],
    ],
    ['user', { name: 'a', exists: false }, { exists: false }, []],
    [
      'user',
      { name: 'a', exists: false },
      { exists: true, uid: 7, gid: 7, home: '/', shell: '/' },
      ['exists: the user a exists'],
    ],
    [
      'user',
      { name: 'a', groups: ['a'] },
      { exists: true, uid: 7, gid: 7, home: '/', shell: '/' },
      ['groups: groups: could not be learned'],
    ],
    ['file', { path: '/a', exists: false }, { exists: false }, []],
    [
      'file',
      { path: '/a', mode: { any: ['640', '0600'], not: '0640' } },
      { exists: true, type: 'file', mode: '0640' },
      ['mode.not: mode: expected not "0640", which holds'],
    ],
    ['file', { path: '/a', exists: false }, { exists: true, type: 'file' }, ['exists: /a exists']],
    [
      'file',
      { path: '/a', mode: '4755' },
      { exists: true, type: 'file', mode: '0755' },
      ['mode: mode: expected "4755", found "0755"'],
    ],
    [
      'file',
      { path: '/a', target: '/b', type: 'symlink' },
      { exists: true, type: 'file' },
      ['type: type: expected "symlink", found "file"', 'target: target: expected "/b", found "no link but a file"'],
    ],
  ])('%s %j', (kind, declaration, value, expected) => {
    expect(judge(kind, declaration, value)).toEqual(expected);
  });
});

test('no check holds of an answer that did not come', () => {
  const samples: Record<string, Record<string, unknown>> = {
    file: { path: '/a', exists: false },
    service: { name: 'a', state: 'stopped' },
    openrc: { crashed: [] },
    process: { name: 'a', running: false },
    port: { port: 'tcp:1', listening: false },
    user: { name: 'a', exists: false },
    kernel: { taint: 0 },
    mount: { path: '/a', exists: false },
    package: { name: 'a', installed: false },
    group: { name: 'a', exists: false },
    interface: { name: 'a', exists: false },
    'kernel-param': { name: 'a.b', exists: false },
    kconfig: { CONFIG_A: 'n' },
    module: { name: 'a', loaded: false },
    cmdline: { parameters: { quiet: false } },
    addr: { address: 'a:1', reachable: false },
    dns: { name: 'a', resolvable: false },
    http: { url: 'http://a', status: 404 },
    filesystem: { path: '/a', used: { lt: 101 } },
    partition: { disk: '/dev/a', count: 0 },
    setuid: { files: [] },
    dmesg: { count: 0 },
    journal: { count: 0 },
    coredump: { none: true },
  };
  for (const check of builtins.checks) {
    if ('evaluate' in check) continue;
    const findings = check.judge(samples[check.name] ?? {}, [{ diagnostics: ['why'] }], expect_.compare);
    expect(findings, check.name).toEqual([{ path: [], message: 'could not be learned: why' }]);
  }
});
