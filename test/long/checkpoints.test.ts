import { spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunRecord, runSchema } from '../../src/schema/index.ts';
import { cli, gvm, home, listing, mark, project, start, survivors } from '../e2e/gvm.ts';

const suite = `suite: plain
isolation: fork
tests:
  - name: one
    file: { path: /etc/passwd, exists: true }
`;
const names = 'cat /etc/machine-id /etc/hostname /sys/class/net/eth0/address; ip -6 addr show dev eth0';
const over = (channel: string, command: string) => `suite: ${channel}
isolation: fork
channel: ${channel}
identity: [hostname, machine-id, ssh-host-keys, mac-addresses]
tests:
  - { name: one, command: { run: "${command}" } }
  - name: two
    steps:
      - { command: { run: "${command}" } }
      - { network: cut }
      - { network: restored }
      - { reboot: {} }
      - { command: { run: "${command}" } }
      - { crash: {} }
      - { command: { run: "${command}" } }
`;
// The same in a guest whose address QEMU lends: the one that was frozen had it first.
const lent = over('ssh', names).replace(
  'tests:',
  `setup:
  - { command: { run: "sed -i 's|^config_eth0=.*|config_eth0=dhcp|' /etc/conf.d/network && sync" } }
  - { reboot: {} }
tests:`,
);

let at: ReturnType<typeof project>;
beforeAll(() => {
  at = project({ 'plain.gvm.yaml': suite, 'ssh.gvm.yaml': over('ssh', names), 'dhcp.gvm.yaml': lent });
});
afterAll(() => at.remove());

const store = join(home, 'checkpoints');
const stored = () => listing(store).filter((name) => /^[0-9a-f]{64}$/.test(name));
const leftovers = (folder: string) => listing(folder).filter((name) => /^\.(work|old|use|run)-/.test(name));
const booted = (record: RunRecord) => record.guests.filter((guest) => guest.checkpoint === undefined).length;

async function run(...options: string[]): Promise<{ record: RunRecord; stderr: string }> {
  const { stdout, stderr } = await gvm(['test', 'plain.gvm.yaml', '--json', ...options], { cwd: at.folder });
  return { record: JSON.parse(stdout) as RunRecord, stderr };
}

test('a checkpoint serves later runs; with a changed byte in any of its files it is made anew, and never used', async () => {
  expect(booted((await run()).record)).toBe(1);
  expect(booted((await run()).record)).toBe(0);
  const [key = ''] = stored();
  const files = readdirSync(join(store, key));
  expect(files).toEqual(
    expect.arrayContaining(['checkpoint.json', 'key', 'memory', 'overlay.qcow2', 'seed.img', 'state']),
  );
  for (const file of files) {
    const path = join(store, key, file);
    flipByte(path, Math.floor(statSync(path).size / 2));
    const { record, stderr } = await run();
    expect(stderr, file).toContain('a checkpoint was discarded and is made anew: ');
    expect([file, booted(record), record.exitCode]).toEqual([file, 1, 0]);
    expect(stored()).toEqual([key]);
  }
  expect(leftovers(store)).toEqual([]);
});

test('a gvm that is killed while it writes one leaves nothing that is used or stays', async () => {
  await gvm(['checkpoint', 'remove', 'all']);
  const killed = start(['test', 'plain.gvm.yaml'], { cwd: at.folder });
  await until(() => listing(store).some((name) => /^\.work-[^/]+\/./.test(name)));
  killed.kill('SIGKILL');
  await killed.done;
  expect(stored()).toEqual([]);
  expect(leftovers(store)).not.toEqual([]);
  const { record } = await run();
  expect([booted(record), record.exitCode]).toEqual([1, 0]);
  expect([stored().length, leftovers(store)]).toEqual([1, []]);
  expect(await survivors()).toEqual([]);
});

test('of two that make the same one at once, both pass and one stays', async () => {
  await gvm(['checkpoint', 'remove', 'all']);
  const both = await Promise.all([run('--output', 'a'), run('--output', 'b')]);
  expect(both.map(({ record }) => [record.exitCode, booted(record)])).toEqual([
    [0, 1],
    [0, 1],
  ]);
  expect([stored().length, leftovers(store)]).toEqual([1, []]);
  expect(booted((await run()).record)).toBe(0);
});

test.runIf(userInfo().uid === 0)(
  'a disk that is full while one is written is the host’s trouble: it is made again, and nothing is left',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gvm-full-'));
    mkdirSync(join(folder, 'home'));
    const mount = `mount -t tmpfs -o size=500m none "$GVM_HOME" && cp "$STORE/accelerator.json" "$GVM_HOME"
for name in images packages kernels busybox; do ln -s "$STORE/$name" "$GVM_HOME/$name"; done
exec "$@"`;
    const child = spawn('unshare', ['-m', 'sh', '-c', mount, 'sh', process.execPath, cli, 'test', 'plain.gvm.yaml'], {
      cwd: at.folder,
      env: {
        ...process.env,
        ...{ GVM_HOME: join(folder, 'home'), XDG_RUNTIME_DIR: folder, NO_COLOR: '1', CI: '', STORE: home },
        ...Object.fromEntries([mark.split('=')]),
      },
      stdio: 'ignore',
    });
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    const inside = `/proc/${child.pid}/root${folder}/home`;
    const beingMade = () => listing(join(inside, 'checkpoints')).some((name) => name.startsWith('.work-'));
    await until(beingMade);
    fill(join(inside, 'filler'));
    await until(() => !beingMade());
    // Then there is room again for the next try.
    rmSync(join(inside, 'filler'));
    const code = await ended;
    const record = runSchema.parse(JSON.parse(readFileSync(join(at.folder, 'reports/run.json'), 'utf8')));
    const [one] = record.suites[0]?.tests ?? [];
    expect(one).toMatchObject({ outcome: 'passed', retries: 0, hostErrors: [{ error: { blame: 'host' } }] });
    expect([code, record.errors, record.guests.flatMap(({ health }) => health)]).toEqual([0, [], []]);
    expect(existsSync(join(folder, 'home', 'checkpoints'))).toBe(false);
    expect(await survivors()).toEqual([]);
    rmSync(folder, { recursive: true, force: true });
  },
);

test('a guest that UEFI firmware starts forks as well', async () => {
  expect(booted((await run('--firmware', 'uefi')).record)).toBe(1);
  const { record } = await run('--firmware', 'uefi');
  expect([booted(record), record.guests.length, record.exitCode]).toEqual([0, 1, 0]);
});

const twoOf = async (name: string) => {
  const { stdout } = await gvm(['test', name, '--json'], { cwd: at.folder });
  const record = JSON.parse(stdout) as RunRecord;
  const tests = record.suites[0]?.tests.filter(({ role }) => role === undefined) ?? [];
  expect(tests.map((t) => [t.outcome, t.failures, t.error])).toEqual([
    ['passed', [], undefined],
    ['passed', [], undefined],
  ]);
  return tests;
};
/** The lines of `names` that no boot changes: machine-id and MAC address. */
const lasting = (text = '') => text.split('\n').filter((line) => /^(?:[0-9a-f]{32}|[0-9a-f:]{17})$/.test(line));

test.each(['ssh.gvm.yaml', 'dhcp.gvm.yaml'])(
  'over SSH a fork keeps its own addresses in all its boots (%s)',
  async (name) => {
    const [one, two] = await twoOf(name);
    const boots = two?.commands.map(({ stdout }) => lasting(stdout)) ?? [];
    expect(boots).toHaveLength(3);
    expect(boots[0]).toHaveLength(2);
    expect([boots[1], boots[2]]).toEqual([boots[0], boots[0]]);
    expect(lasting(one?.commands[0]?.stdout)).not.toEqual(boots[0]);
  },
);

test('over SSH a fork has an identity of its own as well, and lives through a cut', async () => {
  const [one, two] = await twoOf('ssh.gvm.yaml');
  const lines = (t: typeof one) => t?.commands[0]?.stdout.split('\n').filter((line) => !line.includes('mtu')) ?? [];
  expect(lines(one).filter((line) => line !== '' && /^[0-9a-z:-]+$|inet6/.test(line))).not.toEqual(lines(two));
  expect(new Set([...lines(one).slice(0, 3), ...lines(two).slice(0, 3)]).size).toBe(6);
});

test('of a fork that died the disk is read with what was frozen below it', async () => {
  const said = (text: string) => `echo ${text} >> /var/log/messages; sync`;
  const panic = 'echo 1 > /proc/sys/kernel/sysrq; echo c > /proc/sysrq-trigger; sleep 100';
  const dies = `tests:\n  - { name: dies, command: { run: "${said('of the fork')}; ${panic}" } }\n`;
  const other = project({
    'plain.gvm.yaml': `suite: plain\nisolation: fork\n${dies}`,
    'prepared.gvm.yaml': `suite: prepared\nisolation: fork\nsetup: [{ command: { run: "${said('of the setup')}" } }]\n${dies}`,
  });
  const { stdout } = await gvm(['test', '--json', 'plain.gvm.yaml', 'prepared.gvm.yaml'], { cwd: other.folder });
  const { guests } = JSON.parse(stdout) as RunRecord;
  other.remove();
  const [plain, prepared] = guests.filter(({ postMortem }) => postMortem !== undefined);
  expect(JSON.stringify(plain?.postMortem)).toContain('of the fork');
  expect(plain?.kept).toContain(`--allow-backing ${store}/`);
  expect(JSON.stringify(prepared?.postMortem)).toMatch(/of the setup.*of the fork/);
  // What its disk lay on is gone with the run.
  expect(prepared?.kept).toBeUndefined();
});

async function until(holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 180_000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error('it did not come to that within 3 minutes');
    await pause(2);
  }
}

function fill(path: string): void {
  const file = openSync(path, 'w');
  try {
    for (;;) writeSync(file, Buffer.alloc(2 ** 20, 1));
  } catch (error) {
    expect((error as NodeJS.ErrnoException).code).toBe('ENOSPC');
  } finally {
    closeSync(file);
  }
}

function flipByte(path: string, offset: number): void {
  const file = openSync(path, 'r+');
  const byte = Buffer.alloc(1);
  readSync(file, byte, 0, 1, offset);
  writeSync(file, Buffer.from([(byte[0] ?? 0) ^ 1]), 0, 1, offset);
  closeSync(file);
}
