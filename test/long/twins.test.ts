import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { GuestSpec } from '../../src/lab/index.ts';
import { type RunRecord, runSchema } from '../../src/schema/index.ts';
import { avx2Program, Workshop } from '../e2e/broken.ts';
import { gvm, home, project, sha256, survivors } from '../e2e/gvm.ts';
import { type Provoked, provoke, tableOf } from '../e2e/provoke.ts';
import { openTestLab, type TestLab } from '../e2e/test-lab.ts';
import { damaged, onSerial } from './dead-boots.ts';

// The twins of Gentoo's image under both inits, as it comes: by UEFI and GRUB, root locked, sshd not enabled, its init
// speaking to the screen. The login comes with the seed.

const twins = ['gentoo-twin-openrc', 'gentoo-twin-systemd'] as const;
type Twin = (typeof twins)[number];

let at: ReturnType<typeof project>;
beforeAll(() => {
  at = project({});
});
afterAll(async () => {
  at.remove();
  expect(await survivors()).toEqual([]);
});

describe('a run of one suite on both', () => {
  const suite = `suite: twins
tests:
  - name: has Gentoo's shape
    file: [{ path: /etc/gentoo-release, exists: true }, { path: /etc/machine-id, size: { gt: 30 } }]
    mount: [{ path: /, fstype: xfs, options: { contains: noatime } }, { path: /boot, fstype: vfat }]
    filesystem: { path: /, label: gentooroot, size: { gt: 19G } }
    cmdline: { parameters: { console: [ttyS0, tty0] } }
    package: [{ name: net-misc/openssh, installed: true }, { name: sys-kernel/gentoo-kernel-bin, installed: true }, { name: dpkg, installed: false }]
  - name: lets its user in, and only by key
    user: [{ name: gentoo, exists: true, groups: { contains: wheel }, shell: /bin/bash }, { name: root, uid: 0 }]
    command:
      - { run: "id -un", stdout: gentoo }
      - { run: "sudo -n grep -c '^root:!' /etc/shadow", stdout: "1" }
      - { run: "hostname", stdout: { matches: "^twins-" } }
    port: { port: "tcp:22", listening: true }
    service: { name: sshd, state: started }
  - name: has settled under OpenRC
    only_if: "[ -d /run/openrc ]"
    openrc: { runlevel: default, crashed: [], services: { sshd: { state: started, enabled: default }, cloud-final: { state: started, enabled: default } } }
  - name: has settled under systemd
    only_if: "[ -d /run/systemd/system ]"
    command: { run: "systemctl is-system-running", stdout: running }
`;
  let record: RunRecord;
  beforeAll(async () => {
    const suites = project({ 'suites/twins.gvm.yaml': suite });
    try {
      const images = twins.flatMap((twin) => ['--image', twin]);
      const { stdout, stderr } = await gvm(['test', '-j', '1', ...images], { cwd: suites.folder });
      console.log(stdout, stderr);
      record = runSchema.parse(JSON.parse(readFileSync(join(suites.folder, 'reports/run.json'), 'utf8')));
    } finally {
      suites.remove();
    }
  });

  test.each(twins)('%s passes it', (twin) => {
    const own = record.suites.find((one) => one.cell?.values.image === twin);
    const of = (init: string) => (twin.endsWith(init) ? 'passed' : 'skipped');
    expect(own?.tests.map(({ name, outcome, failures }) => [name, outcome, failures])).toEqual([
      ["has Gentoo's shape", 'passed', []],
      ['lets its user in, and only by key', 'passed', []],
      ['has settled under OpenRC', of('openrc'), []],
      ['has settled under systemd', of('systemd'), []],
    ]);
  });

  test.each(twins)('%s starts by its own firmware and loader, with nothing wrong, and stays as it is', (twin) => {
    const guest = record.guests.find((one) => one.image.name === twin);
    expect(guest).toMatchObject({ machine: { firmware: 'uefi' }, boot: { outcome: 'ready' }, health: [] });
    expect(guest?.boot.stages.map(({ stage }) => stage)).toEqual(
      expect.arrayContaining(['firmware', 'loader', 'kernel', 'initrd', 'init', 'ssh']),
    );
    expect(sha256(join(home, 'images', twin, 'disk.qcow2'))).toBe(guest?.image.digest);
  });
});

test.each(twins)('gvm boot brings %s up by hand, and the user becomes root', async (twin) => {
  const booted = await gvm(['boot', twin, '--detach', '--name', 'twin', '--json'], { cwd: at.folder });
  expect(booted.code, booted.stderr).toBe(0);
  try {
    const { stdout, code } = await gvm(['ssh', 'twin', '--', 'id -un; sudo -n id -un; exit 7'], { cwd: at.folder });
    expect({ stdout, code }).toEqual({ stdout: 'gentoo\nroot\n', code: 7 });
  } finally {
    const stopped = await gvm(['stop'], { cwd: at.folder });
    expect(stopped.stdout).toContain('twin is off');
  }
});

describe('a twin that dies', () => {
  let bench: TestLab;
  let folder: string;
  let workshop: Workshop;
  const ends = new Map<string, Promise<Provoked>>();
  beforeAll(async () => {
    bench = await openTestLab();
    folder = mkdtempSync(join(tmpdir(), 'gvm-twins-'));
    workshop = new Workshop(bench, folder);
  });
  afterAll(async () => {
    console.log(await tableOf(ends));
    await bench?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Its menu changed by a function. */
  async function withMenu(twin: Twin, name: string, change: (menu: string) => string): Promise<GuestSpec> {
    const raw = (await workshop.edited(`${name}-menu`, [], twin)).image.layers[0]?.path ?? '';
    const menu = execFileSync('mtype', ['-i', `${raw}@@1M`, '::/grub/grub.cfg'], { encoding: 'utf8' });
    rmSync(raw);
    const file = workshop.file(`${name}.cfg`, change(menu));
    return workshop.edited(name, [['mcopy', '-o', file, '::/grub/grub.cfg']], twin);
  }

  const deaths: [
    string,
    (twin: Twin, name: string) => Promise<GuestSpec>,
    { stage?: string; cause: string },
    string,
  ][] = [
    [
      'started by a BIOS',
      (twin, name) => bench.describe(name, { firmware: 'bios' }, twin),
      { stage: 'firmware', cause: 'no-boot-loader' },
      'Booting from Hard Disk',
    ],
    [
      'without its kernel',
      (twin, name) => workshop.edited(name, [['mdel', '::/vmlinuz*']], twin),
      { stage: 'loader', cause: 'loader-failed' },
      'not found',
    ],
    [
      'with another root',
      (twin, name) => withMenu(twin, name, (menu) => menu.replace(/root=UUID=\S+/, 'root=LABEL=gentoo')),
      { stage: 'initrd', cause: 'root-missing' },
      'not found after',
    ],
    [
      'without its init',
      (twin, name) => workshop.changed(name, { disk: 'rm /root/usr/sbin/init /root/sbin/init' }, twin),
      { stage: 'init', cause: 'init-failed' },
      'Attempted to kill init!',
    ],
    [
      'built for another processor',
      (twin, name) => {
        const disk = 'rm /root/usr/sbin/init /root/sbin/init; cp /avx2 /root/sbin/init';
        return workshop.changed(
          name,
          { disk, files: { avx2: avx2Program('/bin/sh') }, machine: { cpu: 'qemu64' } },
          twin,
        );
      },
      { stage: 'init', cause: 'illegal-instruction' },
      'exitcode=0x00000004',
    ],
    [
      'with a disk that needs a person',
      async (twin, name) => onSerial(await damaged(workshop, name, [], 2, twin)),
      // OpenRC goes on without it.
      { cause: 'fsck-failed' },
      'MANUALLY|systemd-fs',
    ],
  ];

  test.each(twins.flatMap((twin) => deaths.map((death) => [twin, ...death] as const)))(
    '%s %s',
    async (twin, what, make, expected, shows) => {
      const name = `${twin}-${deaths.findIndex(([one]) => one === what)}`;
      const ending = provoke(workshop, { name, make: () => make(twin, name), shows, ...expected } as never);
      ends.set(`${twin} ${what}`, ending);
      const end = await ending;
      expect(end.details, end.log.slice(-3000)).toMatchObject({ ...expected, blame: 'guest' });
      expect(end.message).toMatch(new RegExp(shows));
      expect(end.seconds ?? 0).toBeLessThan(2);
    },
  );
});
