import { expect, test } from 'vitest';
import type { Answer, FactRequest } from '../../src/facts/index.ts';
import { builtins, compileSuite, learn, readWanted, writeLearnt } from '../../src/suite/index.ts';

/** A system as its facts tell it, by fact and, where it has one, by subject. */
type System = Record<string, unknown>;

const passwd = [
  'root:x:0:0:root:/root:/bin/bash',
  'daemon:x:1:1::/:/usr/sbin/nologin',
  'sync:x:4:65534::/bin:/bin/sync',
  'larry:x:1000:1000:Larry, the "cow":/home/larry:/bin/zsh',
  '',
].join('\n');
const file = { exists: true, type: 'file', mode: '0644', owner: 'root', group: 'root', uid: 0, gid: 0, size: 9 };
const system: System = {
  'file /etc/passwd': { ...file, contents: passwd },
  'file /etc/shadow': { ...file, mode: '0640', group: 'shadow' },
  'file /etc/os-release': { ...file, type: 'symlink', mode: '0777', target: '../usr/lib/os-release' },
  file: { exists: false },
  'user root': { exists: true, uid: 0, gid: 0, groups: ['root'], home: '/root', shell: '/bin/bash' },
  'user larry': {
    exists: true,
    uid: 1000,
    gid: 1000,
    groups: ['larry', 'wheel'],
    home: '/home/larry',
    shell: '/bin/zsh',
  },
  user: { exists: false },
  group: { exists: true, gid: 10, members: ['larry'] },
  'enabled-services': ['sshd', 'hwclock'],
  'service sshd': { init: 'openrc', exists: true, state: 'started', enablement: 'enabled', runlevels: ['default'] },
  'service hwclock': { init: 'openrc', exists: true, state: 'stopped', enablement: 'enabled', runlevels: ['boot'] },
  service: { init: 'openrc', exists: false, state: 'stopped', enablement: 'disabled', runlevels: [] },
  openrc: { runlevel: 'default', crashed: [], services: {} },
  port: [
    { protocol: 'tcp', port: 22, ip: '0.0.0.0' },
    { protocol: 'tcp', port: 22, ip: '::' },
    { protocol: 'tcp', port: 41234, ip: '127.0.0.1' },
    { protocol: 'udp', port: 68, ip: '0.0.0.0' },
  ],
  mount: [
    { path: '/', source: '/dev/vda2', fstype: 'xfs', options: ['rw', 'relatime'] },
    { path: '/proc', source: 'proc', fstype: 'proc', options: ['rw'] },
    { path: '/tmp', source: 'tmpfs', fstype: 'tmpfs', options: ['rw', 'nosuid', 'nodev', 'size=1g'] },
    { path: '/lib/modules', source: '/dev/vdb', fstype: 'ext4', options: ['ro'] },
  ],
  kernel: { release: '6.12.1-gentoo', version: '#1', arch: 'x86_64', taint: 0, taints: [] },
  setuid: ['/bin/su'],
  'package openrc': { manager: 'portage', installed: true, versions: ['0.56'] },
  package: { manager: 'portage', installed: false, versions: [] },
  process: { count: 2, pids: [7, 8], users: ['root', 'root'] },
  interface: [{ name: 'eth0', addrs: ['10.0.2.15/24'], mtu: 1500 }],
  'kernel-param': { exists: true, value: '1' },
};

const asking = (of: System) => async (requests: readonly FactRequest[]) =>
  requests.map(({ fact, args }): Answer => {
    const { path, name } = args as Record<string, string>;
    const value = of[`${fact} ${path ?? name}`] ?? of[fact];
    return value === undefined ? { diagnostics: [`the guest has no ${fact}`] } : { value, diagnostics: [] };
  });

const origin = {
  image: 'my.qcow2',
  digest: 'ab12',
  command: 'gvm learn',
  offline: false,
  gvm: '1.0',
  date: new Date(0),
};

async function learnt(of: System, words: string[], from = origin) {
  const found = await learn({ wanted: readWanted(words, builtins), registry: builtins, ask: asking(of) });
  const text = writeLearnt(found, from);
  const plan = compileSuite(text, 'learnt.gvm.yaml', builtins);
  const checks = plan.tests
    .flatMap((t) => t.steps.flat())
    .map(({ kind, declaration }): Record<string, unknown> => ({ kind, ...declaration }));
  return { ...found, text, plan, checks };
}

test('the default set says what a person would keep of a system, as a person would write it', async () => {
  const { text, missing } = await learnt(system, []);
  expect(missing).toEqual([]);
  expect(text).toBe(`# What gvm 1.0 learnt of the image my.qcow2 on 1970-01-01, from a running guest of it.
# gvm learn; digest ab12
# All of it held then. Keep what matters to you, and delete the rest.
suite: my-learnt
image: my.qcow2
tests:
  - name: runs its kernel
    kernel:
      release: 6.12.1-gentoo
      arch: x86_64
      taint: 0
  - name: reaches its runlevel
    openrc:
      runlevel: default
      crashed: []
  - name: starts its services
    service:
      - { name: sshd, state: started, enabled: default }
      - { name: hwclock, enabled: boot }
  - name: listens on its ports, and where it should
    port:
      port: tcp:22
      listening: true
      ip: [ 0.0.0.0, "::" ]
  - name: has its file systems mounted
    mount:
      - { path: /, fstype: xfs, options: { contains: [ rw ] } }
      - { path: /tmp, fstype: tmpfs, options: { contains: [ rw, nosuid, nodev ] } }
  - name: has its accounts
    user:
      - { name: root, uid: 0, gid: 0, groups: [ root ], home: /root, shell: /bin/bash }
      - { name: larry, uid: 1000, gid: 1000, groups: [ larry, wheel ], home: /home/larry, shell: /bin/zsh }
  - name: has its important files, with their modes and owners
    file:
      - { path: /etc/passwd, type: file, mode: "0644", owner: root, group: root }
      - { path: /etc/shadow, type: file, mode: "0640", owner: root, group: shadow }
      - { path: /etc/os-release, type: symlink, target: ../usr/lib/os-release }
  - name: has these setuid and setgid programs, and no other
    setuid:
      files: [ /bin/su ]
  - name: has its packages
    package:
      name: openrc
      installed: true
`);
});

test('what is named is learnt alone, and said also where it is absent', async () => {
  const words = ['service:none', 'package:vim', 'file:/none', 'user:nobody', 'port:tcp:80', 'mount:/srv/'];
  const more = ['group:wheel', 'process:sshd', 'interface:eth0', 'interface:wlan0', 'kernel-param:net.ipv4.ip_forward'];
  const { checks } = await learnt(system, [...words, ...more]);
  expect(checks).toEqual([
    { kind: 'service', name: 'none', state: 'stopped', enabled: false },
    { kind: 'process', name: 'sshd', running: true, user: 'root' },
    { kind: 'port', port: 'tcp:80', listening: false },
    { kind: 'interface', name: 'eth0', exists: true, mtu: 1500 },
    { kind: 'interface', name: 'wlan0', exists: false },
    { kind: 'mount', path: '/srv/', exists: false },
    { kind: 'user', name: 'nobody', exists: false },
    { kind: 'group', name: 'wheel', gid: 10, members: ['larry'] },
    { kind: 'file', path: '/none', exists: false },
    { kind: 'package', name: 'vim', installed: false },
    { kind: 'kernel-param', name: 'net.ipv4.ip_forward', value: '1' },
  ]);
});

test('units of systemd have no runlevel; one that is static is not said to be enabled', async () => {
  const unit = { init: 'systemd', exists: true, runlevels: [] };
  const of: System = {
    'enabled-services': ['sshd.service', 'cron.timer'],
    'service sshd': { ...unit, state: 'started', enablement: 'enabled' },
    'service cron.timer': { ...unit, state: 'inactive', enablement: 'enabled' },
    'service dbus': { ...unit, state: 'started', enablement: 'static' },
    'service off': { ...unit, state: 'inactive', enablement: 'static' },
  };
  const { checks } = await learnt(of, ['service']);
  expect(checks).toEqual([
    { kind: 'service', name: 'sshd', state: 'started', enabled: true },
    { kind: 'service', name: 'cron.timer', enabled: true },
  ]);
  const named = await learnt(of, ['service:dbus', 'service:off']);
  expect(named.checks).toEqual([{ kind: 'service', name: 'dbus', state: 'started' }]);
  expect(named.missing).toEqual(['service: off: nothing of it is worth a check']);
});

test('what cannot be learnt is named at the head of the suite', async () => {
  const { port, ...rest } = system;
  const { text, missing } = await learnt(rest, []);
  expect(port).toBeDefined();
  expect(missing).toEqual(['port: the guest has no port']);
  expect(text).toContain('# Not learnt: port: the guest has no port\n');
});

test('names of a hostile guest become valid YAML that shows a terminal nothing but text', async () => {
  const evil = ['a"b', "c'd", 'e#f', '{g}', '*h', '!i', '\u009b2J', '\u001b[2Jj', '\u202ek', 'null', '0644', 'y z'];
  const users = evil.map((name, i) => `${name}:x:${i}:${i}::/home/\t"${i}':/bin/sh\r`);
  const of: System = { ...system, 'file /etc/passwd': { ...file, contents: `${users.join('\n')}\n` } };
  for (const name of evil)
    of[`user ${name}`] = {
      exists: true,
      uid: 1,
      gid: 1,
      groups: [`${name}\n- x: 1`],
      home: '/h\n\n# x',
      shell: '/s\u0000\u2028',
    };
  const command = 'gvm learn "\n- evil: 1" \u001b]0;x\u0007\u009b';
  const { checks, text, missing } = await learnt(of, ['user'], { ...origin, image: '../\u001b[1m\nx.raw', command });
  expect(checks.map(({ name }) => name)).toEqual(evil.slice(0, -1));
  expect(checks[0]).toMatchObject({ groups: ['a"b\n- x: 1'], home: '/h\n\n# x', shell: '/s\u0000\u2028' });
  expect(missing).toEqual(['user: "y z": expected the name of a user']);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: none of these may be there
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u202e]/);
});

test.each([
  [['sevice:sshd'], 'nothing to learn is called sevice'],
  [['group'], 'group: which? Write group:NAME'],
  [['kernel:6'], 'kernel:6: there is only one; write kernel alone'],
  [['port:ssh'], 'port:ssh: expected a protocol and a port such as "tcp:22"'],
  [['file:etc'], 'file:etc: expected an absolute path'],
])('%j is refused before anything is booted', (words, message) => {
  expect(() => readWanted(words, builtins)).toThrow(message);
});
