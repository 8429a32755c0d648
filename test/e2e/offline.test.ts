import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  builtinFacts,
  collect,
  collectOffline,
  type FactRequest,
  type JournalValue,
  type ServiceValue,
} from '../../src/facts/index.ts';
import { type Inspection, inspectionSchema } from '../../src/inspect/schema.ts';
import type { RunRecord } from '../../src/schema/index.ts';
import { openPoweredOff } from '../facts/tree-disk.ts';
import { gvm, home } from './gvm.ts';
import { openTestLab } from './test-lab.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gvm-e2e-offline-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function offline(...args: string[]): Promise<{ run: RunRecord; code: number | null; junit: string }> {
  const { code, stdout, stderr } = await gvm(['test', '--offline', '--json', '--output', folder, ...args]);
  if (stdout === '') throw new Error(stderr);
  return { run: JSON.parse(stdout) as RunRecord, code, junit: readFileSync(join(folder, 'junit.xml'), 'utf8') };
}

describe('a suite of facts that stand on disks', () => {
  test('holds of the default image, and each of its tests is answered', async () => {
    const { run, code, junit } = await offline('suites/security');
    expect(code).toBe(0);
    const tests = run.suites.flatMap((suite) => suite.tests);
    expect(tests.length).toBeGreaterThan(15);
    expect(tests.filter((t) => t.outcome !== 'passed' || t.skippedChecks !== undefined)).toEqual([]);
    expect(run).toMatchObject({ guests: [], disks: [{ name: 'openrc' }] });
    expect(run).not.toHaveProperty('qemu');
    expect(junit).toContain(`tests="${tests.length}" failures="0"`);
  });

  test('fails on a disk that was changed, in the tests that the changes are about', async () => {
    const raw = join(folder, 'changed.raw');
    execFileSync('qemu-img', ['convert', '-O', 'raw', join(home, 'images/openrc/disk.qcow2'), raw]);
    const { volumes } = JSON.parse((await gvm(['partitions', raw, '--json'])).stdout) as {
      volumes: { volume: string; start: number }[];
    };
    const root = `${raw}?offset=${volumes.find(({ volume }) => volume === 'p2')?.start}`;
    const changes = [
      'sif /etc/shadow mode 0100644',
      'sif /usr/bin/wall mode 0104755',
      'rm /etc/ssh/sshd_config.d/gvm.conf',
    ];
    for (const change of changes) execFileSync('debugfs', ['-w', '-R', change, root], { stdio: 'pipe' });
    const { run, code } = await offline('suites/security', '--image', raw);
    expect(code).toBe(1);
    const failed = run.suites.flatMap((suite) => suite.tests).filter((t) => t.outcome === 'failed');
    expect(failed.map((t) => t.name)).toEqual([
      'protects the files of accounts',
      'lets nobody in by password',
      'lets root in by key only',
      'has the known setuid programs and no other',
    ]);
  });

  test('what a disk cannot answer is skipped; where that is all, nothing ran', async () => {
    const { run, code } = await offline('suites/smoke');
    const tests = run.suites.flatMap((suite) => suite.tests);
    const outcomes = new Set(tests.map((t) => t.outcome));
    expect(outcomes).toEqual(new Set(['passed', 'skipped']));
    expect(tests.find((t) => t.name.startsWith('saw no program die'))?.reason).toMatch(/only a running guest/);
    expect(code).toBe(0);
    const none = await offline('suites/smoke', '-t', 'memory');
    expect(none.code).toBe(2);
  });
});

/** What is asked of a guest while it runs, and of its disk afterwards. */
const asked: Record<string, object[]> = {
  file: [
    { path: '/etc/passwd', contents: true, sums: ['md5', 'sha256', 'sha512'] },
    { path: '/etc/shadow' },
    { path: '/bin/sh', target: true, sums: ['sha256'] },
    { path: '/etc/os-release', target: true, contents: true },
    { path: '/root/odd name', contents: true },
    { path: '/root/fifo' },
    { path: '/root/device' },
    { path: '/root/link', target: true },
    { path: '/usr/bin/passwd', sums: ['sha256'] },
    { path: '/var/log/wtmp' },
    { path: '/no/such/file' },
  ],
  user: ['root', 'daemon', 'sshd', 'tester', 'nobody-here'].map((name) => ({ name, groups: true })),
  group: ['root', 'shadow', 'users', 'none-here'].map((name) => ({ name })),
  package: ['base-files', 'openssh-server', 'libc6', 'libc6:amd64', 'libc6:arm64', 'none-here'].map((name) => ({
    name,
  })),
  setuid: [{ paths: ['/'] }, { paths: ['/usr/bin', '/etc'] }],
  service: ['sshd', 'ssh', 'syslog', 'hostname', 'agetty.ttyS0', 'none-here'].map((name) => ({ name })),
  openrc: [{}],
  'enabled-services': [{}],
  kconfig: [
    { symbols: ['CONFIG_64BIT', 'CONFIG_EXT4_FS', 'CONFIG_VIRTIO_BLK', 'CONFIG_NONE', 'CONFIG_DEFAULT_HOSTNAME'] },
  ],
  module: ['loop', 'ext4', 'virtio_blk', 'none_here'].map((name) => ({ name })),
  filesystem: [{ path: '/' }, { path: '/none' }],
  partition: [{ disk: '/dev/vda' }],
  journal: [{ identifier: 'sshd' }],
};

const CHANGES = `set -e
useradd -m -G users tester
printf 'caf\\303\\251 \\377' > '/root/odd name'; chmod 2640 '/root/odd name'; chown daemon:users '/root/odd name'
mkfifo -m 600 /root/fifo; mknod /root/device c 1 3; ln -s 'odd name' /root/link
cp /bin/true /etc/suid; chmod 4755 /etc/suid
rm -f /etc/rc2.d/none; rc-update add rsyslog nonetwork >/dev/null 2>&1 || true
sync`;

/** The parts of a value that both ways know, in one form: a running guest adds what it runs and where it looked. */
function plain(fact: string, value: unknown): unknown {
  const own = { ...(value as Record<string, unknown>) };
  if (fact === 'service') return { ...(own as unknown as ServiceValue), state: undefined };
  if (fact === 'openrc') {
    const services = Object.entries(own.services as Record<string, { runlevels: string[] }>);
    return Object.fromEntries(services.map(([name, { runlevels }]) => [name, runlevels.sort()]));
  }
  if (fact === 'kconfig') delete own.source;
  if (fact === 'module') return { ...own, loaded: undefined };
  if (fact === 'filesystem') return { ...own, device: undefined, free: undefined, used: undefined, inodes: undefined };
  return Array.isArray(value) ? value : own;
}

test('each fact says of a powered-off disk what it said of the guest, and an inspection names all of its packages', async () => {
  await using bench = await openTestLab();
  const spec = await bench.describe('twice');
  const guest = await bench.lab.start(spec);
  const requests: FactRequest[] = Object.entries(asked).flatMap(([fact, args]) => args.map((a) => ({ fact, args: a })));
  const channel = guest.channel();
  const made = await channel.exec(CHANGES);
  expect([made.exitCode, made.stderr.toString()]).toEqual([0, '']);
  const live = await collect(requests, { facts: builtinFacts, channel, timeout: 60_000 });
  const dpkg = await channel.exec(`dpkg-query -W -f '\${Package} \${Version} \${Architecture}\\n'`);
  await channel.exec('service rsyslog stop; sync');
  const kept = bench.lab.keep(spec);
  await guest[Symbol.asyncDispose]();
  const base = spec.image.layers.map((layer) => dirname(layer.path));
  const off = await openPoweredOff(kept.overlay, undefined, base);
  const still = await collectOffline(requests, { facts: builtinFacts, disk: off.disk });
  for (const [i, { fact, args }] of requests.entries()) {
    const what = `${fact} ${JSON.stringify(args)}`;
    if (fact === 'journal') {
      const [before = [], after = []] = [live[i], still[i]].map((a) => (a?.value as JournalValue | undefined)?.entries);
      expect(before.length, what).toBeGreaterThan(0);
      expect(after.slice(0, before.length), what).toEqual(before);
      continue;
    }
    expect(still[i]?.unanswerable, what).toBeUndefined();
    expect(plain(fact, still[i]?.value), what).toEqual(plain(fact, live[i]?.value));
    expect(live[i]?.value, what).toBeDefined();
  }
  await off.close();
  const allow = base.flatMap((place) => ['--allow-backing', place]);
  const inspected = await gvm(['inspect', kept.overlay, '--json', ...allow]);
  expect([inspected.code, inspected.stderr]).toEqual([0, '']);
  const { sections } = inspectionSchema.parse(JSON.parse(inspected.stdout)) as Inspection;
  const { manager, packages } = sections.packages as { manager: string; packages: Record<string, string>[] };
  expect(manager).toBe('dpkg');
  expect(packages.map((p) => `${p.name} ${p.version} ${p.architecture}`).sort()).toEqual(
    dpkg.stdout.toString().trim().split('\n').sort(),
  );
  expect(sections).toMatchObject({
    system: { id: 'debian', init: 'openrc', architecture: 'x86_64', machineId: 'set' },
    accounts: { users: expect.arrayContaining([expect.objectContaining({ name: 'tester', password: 'none' })]) },
    privileged: { setuid: expect.arrayContaining([expect.objectContaining({ path: '/etc/suid', mode: '4755' })]) },
    logs: expect.arrayContaining([expect.objectContaining({ source: '/var/log/messages' })]),
  });
});

test('the disk of a guest that cannot find its root device is examined unasked, and every report says what it shows', async () => {
  const out = join(folder, 'dead');
  const root = '00000000-1111-2222-3333-444444444444';
  const args = ['suites/boot', '-t', 'default runlevel', '--append', `root=UUID=${root}`, '--output', out];
  const { code, stdout } = await gvm(['test', ...args, '--reporter', 'html']);
  expect(code).toBe(3);
  const run = JSON.parse(readFileSync(join(out, 'run.json'), 'utf8')) as RunRecord;
  const said = run.guests[0]?.postMortem?.findings[0] ?? '';
  expect(said).toMatch(
    new RegExp(
      `^root=UUID=${root}: no volume of the disk is that; it has p1 \\(vfat .*, p2 \\(ext4 UUID=.* LABEL=gvm-root`,
    ),
  );
  const [test] = run.suites.flatMap((suite) => suite.tests);
  expect(test).toMatchObject({
    outcome: 'error',
    guest: run.guests[0]?.name,
    error: { code: 'boot-failed', notes: [`its disk: ${said}`] },
  });
  const shown = `root=UUID=${root}: no volume of the disk is that`;
  for (const text of [
    stdout,
    readFileSync(join(out, 'junit.xml'), 'utf8'),
    readFileSync(join(out, 'report.html'), 'utf8'),
  ])
    expect(text).toContain(shown);
});
