import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { within } from '../../src/core/index.ts';
import { type GvmError, isGvmError } from '../../src/errors/index.ts';
import { type RunRecord, runSchema } from '../../src/schema/index.ts';
import { Workshop } from '../e2e/broken.ts';
import { project, start, survivors } from '../e2e/gvm.ts';
import { openTestLab, type TestLab } from '../e2e/test-lab.ts';

// Ends that no broken image brings about: QEMU is killed, the host's disk is full, and what dies after it was ready.
// Exit code 3 is for what the guest did, 4 for the host.

let bench: TestLab;
let folder: string;
beforeAll(async () => {
  bench = await openTestLab();
  folder = mkdtempSync(join(tmpdir(), 'gvm-losses-'));
});
afterAll(async () => {
  await bench?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

async function failureOf(boot: Promise<AsyncDisposable>): Promise<GvmError> {
  const error = await boot.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!isGvmError(error)) throw error ?? new Error('the guest became ready');
  return error;
}

/** Kills the QEMU of a guest, whose process name is `gvm-RUN-GUEST`. */
function killQemu(guest: string): void {
  const commandLine = (pid: string) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
    } catch {
      return [];
    }
  };
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const [program, ...args] = commandLine(pid);
    const named = args.some((arg) => new RegExp(`guest=gvm-\\w+-${guest},`).test(arg));
    if (program?.includes('qemu-system') && named) process.kill(Number(pid), 'SIGKILL');
  }
}

test('QEMU that is killed in the middle of a boot is the trouble of the host', async () => {
  const name = `killed-${process.pid}`;
  const boot = bench.lab.start(await bench.describe(name), {
    onProgress: ({ stage }) => {
      if (stage === 'init') killQemu(name);
    },
  });
  const error = await failureOf(boot);
  expect(error).toMatchObject({
    exitCode: 4,
    message: expect.stringContaining('QEMU was ended by SIGKILL'),
    details: { stage: 'init', cause: 'qemu-ended', blame: 'host' },
  });
});

test('a host whose disk is full is told at once, while the guest stands still', async ({ skip }) => {
  const small = join(folder, 'small');
  mkdirSync(small);
  const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'gvm-test', small]);
  if (mount.status !== 0) skip('only root may mount a small file system');
  try {
    await using lab = await openTestLab(small);
    const spec = await new Workshop(lab, folder).changed('fills', {
      disk: `sed -i 's#^start() {#&\\n\\tdd if=/dev/zero of=/filler bs=1M count=200 conv=fsync#' /root/etc/init.d/hostname`,
    });
    expect(await failureOf(lab.lab.start(spec))).toMatchObject({
      code: 'disk-full',
      exitCode: 4,
      message: expect.stringContaining('no space is left on the host'),
      details: { blame: 'host' },
    });
  } finally {
    execFileSync('umount', [small]);
  }
});

/** The text of the first program is wiped out under its feet: nothing else kills the first program of a system. */
const KILL_INIT = `line=$(grep -m1 'r-xp .*init' /proc/1/maps); range=\${line%% *}
first=$((0x\${range%-*} / 4096)); last=$((0x\${range#*-} / 4096))
dd if=/dev/zero of=/proc/1/mem bs=4096 seek=$first count=$((last - first)) conv=notrunc && kill -CHLD 1`;

test('init that is killed after the guest was ready takes the guest along', async () => {
  await using guest = await bench.lab.start(await bench.describe('init-killed'));
  guest
    .channel()
    .exec(KILL_INIT)
    .catch(() => {});
  expect(await within(guest.lost, 20_000), guest.consoleTail(20).join('\n')).toMatchObject({
    code: 'guest-lost',
    exitCode: 3,
    message: expect.stringContaining('Attempted to kill init! exitcode=0x0000000b'),
    details: { cause: 'init-failed', blame: 'guest' },
  });
});

test('a guest that dies after its reboot is lost, with the stage and the cause', async () => {
  await using guest = await bench.lab.start(await bench.describe('dies-later'));
  await guest.channel().exec('mv /usr/sbin/openrc-init /usr/sbin/gone && sync');
  const failed = await guest.reboot().catch((error: unknown) => error);
  expect(failed).toMatchObject({ code: 'boot-failed', details: { outcome: 'failed', blame: 'guest' } });
  expect(await within(guest.lost, 1000)).toBe(failed);
});

const suite = (command: string) => `suite: middle-${process.pid}
tests:
  - name: before
    command: { run: "true" }
  - name: the middle
    steps: [{ command: { run: "${command}" } }]
  - name: after
    command: { run: "true" }
`;

async function runMiddle(command: string, meanwhile: (said: (pattern: RegExp) => Promise<void>) => Promise<void>) {
  const at = project({ 'suites/middle.gvm.yaml': suite(command) });
  try {
    const started = start(['test', '--output', 'reports'], { cwd: at.folder });
    await meanwhile(started.said);
    const { code, stdout } = await started.done;
    console.log(stdout);
    const record: RunRecord = runSchema.parse(JSON.parse(readFileSync(join(at.folder, 'reports/run.json'), 'utf8')));
    const tests = record.suites[0]?.tests.map(({ name, outcome, error }) => [name, outcome, error?.code, error?.blame]);
    expect(await survivors()).toEqual([]);
    return { code, record, tests };
  } finally {
    at.remove();
  }
}

test('a panic in the middle of the tests is the guest’s, and ends what is left of them', async () => {
  const { code, record, tests } = await runMiddle('echo c > /proc/sysrq-trigger', async () => {});
  expect(tests).toEqual([
    ['before', 'passed', undefined, undefined],
    ['the middle', 'error', 'guest-lost', 'guest'],
    ['after', 'error', 'guest-lost', 'guest'],
  ]);
  // A panic after ready is a finding of its own, and that is a failed check.
  expect(record.guests[0]?.health).toMatchObject([{ kind: 'panic' }]);
  expect(code).toBe(1);
});

test('QEMU that is killed in the middle of a test is the trouble of the host: it is tried again, and that is no retry', async () => {
  const { code, tests, record } = await runMiddle('sleep 20', async (said) => {
    await said(/before/);
    killQemu(`middle-${process.pid}-1`);
  });
  expect(tests).toEqual([
    ['before', 'passed', undefined, undefined],
    ['the middle', 'passed', undefined, undefined],
    ['after', 'passed', undefined, undefined],
  ]);
  const [, middle] = record.suites[0]?.tests ?? [];
  expect(middle).toMatchObject({ retries: 0, hostErrors: [{ error: { code: 'guest-lost', blame: 'host' } }] });
  expect(middle?.attempts).toBeUndefined();
  expect(record.guests.map(({ replaced }) => replaced)).toEqual([true, undefined]);
  expect(code).toBe(0);
});
