import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { folderOf, ordinaryUser, runAs } from '../long/ordinary-user.ts';
import { makeSystemDisk } from './system-disk.ts';

// Everything offline as an ordinary user without a capability and, where this is run by root, with a /dev in which there
// is neither KVM nor a block device. What would mount, load or boot anything fails there.
const cli = new URL('../../dist/cli.js', import.meta.url).pathname;
const user = ordinaryUser() ?? { name: 'me', uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
const folder = folderOf(user);
const images = [
  'system.raw',
  'system.qcow2',
  'over.qcow2',
  'system.vmdk',
  'flat.vmdk',
  'system.vhdx',
  'system.vhd',
  'system.vdi',
];
let said: Map<string, string>;

beforeAll(() => {
  makeSystemDisk(folder);
  const qemuImg = (...args: string[]) => execFileSync('qemu-img', args, { cwd: folder, stdio: 'pipe' });
  for (const [file, format, ...options] of [
    ['system.qcow2', 'qcow2'],
    ['system.vmdk', 'vmdk'],
    ['flat.vmdk', 'vmdk', '-o', 'subformat=monolithicFlat'],
    ['system.vhdx', 'vhdx'],
    ['system.vhd', 'vpc', '-o', 'force_size=on'],
    ['system.vdi', 'vdi'],
  ] as const) {
    qemuImg('convert', '-f', 'raw', '-O', format, ...options, 'system.raw', file);
  }
  qemuImg('snapshot', '-c', 'kept', 'system.qcow2');
  qemuImg('create', '-f', 'qcow2', '-b', 'system.qcow2', '-F', 'qcow2', 'over.qcow2');
  for (const name of [...images, 'flat-flat.vmdk']) chmodSync(join(folder, name), 0o644);
  // What an attacker leaves: a raw disk whose first bytes say that it lies over a file of the host.
  qemuImg('create', '-f', 'qcow2', '-u', '-b', '/etc/shadow', '-F', 'raw', 'evil.qcow2', '1M');
  const bytes = readFileSync(join(folder, 'system.raw'));
  Buffer.from('514649fb0000000200000000000000c80000000b000000100000000000100000', 'hex').copy(bytes);
  bytes.write('/etc/shadow', 200);
  writeFileSync(join(folder, 'evil.raw'), bytes);
  writeFileSync(
    join(folder, 'off.gvm.yaml'),
    'suite: off\ntests:\n  - name: has its users\n    user: { name: root, uid: 0 }\n  - name: listens\n    port: { port: "tcp:22", listening: true }\n',
  );
  const steps = [
    ...images.map((image) => `ls -lR --json ${image} /`),
    'partitions --json system.qcow2',
    'tree system.vmdk /etc',
    'cat system.qcow2 --snapshot kept /etc/os-release',
    'stat --json system.raw /etc/passwd',
    'find system.vhdx / --type l',
    'df --json over.qcow2',
    'extract system.vdi /etc out',
    'inspect --json -j 2 system.raw flat.vmdk',
    'test --offline --image flat.vmdk off.gvm.yaml',
    'learn system.qcow2 user:root --offline --output learnt.gvm.yaml',
    'ls --layer p3 --layer p2 system.raw /',
    'ls evil.raw',
    'ls --format qcow2 evil.raw',
    'ls --format raw evil.raw /etc',
    'ls evil.qcow2',
  ];
  const script = [
    'test -e /dev/kvm && echo "== kvm"; ls /dev | grep -E "nbd|loop|sd|vd|mapper"; mount -t tmpfs none /mnt 2>&1; id -u',
    ...steps.map((step) => `echo "== ${step}"; "${process.execPath}" "${cli}" ${step} 2>&1; echo "exit $?"`),
    `echo "== shell"; echo "cat /etc/os-release" | "${process.execPath}" "${cli}" shell system.vmdk 2>&1; echo "exit $?"`,
  ].join('\n');
  const env = { GVM_HOME: join(folder, 'home'), TMPDIR: folder, XDG_RUNTIME_DIR: folder };
  const output = runAs(user, folder, ['sh', '-c', script], env, { bare: true });
  said = new Map(
    output.split(/^== /m).map((part) => {
      const end = part.indexOf('\n');
      return [part.slice(0, end), part.slice(end + 1)];
    }),
  );
}, 180_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const of = (step: string) => said.get(step) ?? `nothing was said of ${step}`;

test('there is nothing that could help', () => {
  expect([...said.keys()][0]).not.toBe('');
  if (process.getuid?.() !== 0) return;
  expect(said.has('kvm')).toBe(false);
  expect([...said.keys()][0]).toMatch(/^mount: .*(permission denied|must be superuser)/);
});

test('every format is read alike', () => {
  const [first = '', ...others] = images.map((image) => of(`ls -lR --json ${image} /`));
  expect(first).toContain('"/home/user/notes"');
  expect(first).toMatch(/exit 0\n$/);
  for (const other of others) expect(other).toBe(first);
});

test.each([
  ['partitions --json system.qcow2', '"name": "kept"'],
  ['tree system.vmdk /etc', 'os-release'],
  ['cat system.qcow2 --snapshot kept /etc/os-release', 'ID=gvmtest'],
  ['stat --json system.raw /etc/passwd', '"path": "/etc/passwd"'],
  ['find system.vhdx / --type l', '/notes'],
  ['df --json over.qcow2', '"volume": "p2"'],
  ['extract system.vdi /etc out', 'exit 0'],
  ['inspect --json -j 2 system.raw flat.vmdk', '"image":"flat.vmdk"'],
  ['test --offline --image flat.vmdk off.gvm.yaml', '1 skipped'],
  ['learn system.qcow2 user:root --offline --output learnt.gvm.yaml', 'exit 0'],
  ['ls --layer p3 --layer p2 system.raw /', 'user'],
  ['shell', 'ID=gvmtest'],
])('%s', (step, text) => {
  expect(of(step)).toContain(text);
  expect(of(step)).toMatch(/exit 0\n$/);
});

test('a raw disk that begins as a qcow2 over another file is read as what it is said to be, and never followed', () => {
  expect(of('ls evil.raw')).toContain('say --format qcow2 if you trust this file, --format raw to read it as bytes');
  expect(of('ls --format raw evil.raw /etc')).toBe('fstab\nos-release\npasswd\nexit 0\n');
  expect(of('ls evil.qcow2')).toContain('refers to /etc/shadow as its backing file: it lies outside');
  for (const step of ['ls evil.raw', 'ls --format qcow2 evil.raw', 'ls evil.qcow2'])
    expect(of(step)).toMatch(/exit 2\n$/);
  expect(existsSync(join(folder, 'out/os-release'))).toBe(true);
});
