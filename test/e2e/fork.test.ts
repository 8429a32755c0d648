import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunRecord } from '../../src/schema/index.ts';
import { gvm, home, listing, project, survivors } from './gvm.ts';

// What is each guest's own, a line each; the random bytes are the kernel's and, again, those that it gives to a program.
const own = `head -c 8 /dev/urandom | od -An -tx1; cat /proc/sys/kernel/random/uuid /proc/sys/kernel/hostname /etc/machine-id /etc/ssh/ssh_host_ed25519_key.pub /sys/class/net/eth0/address`;
// What a test with milestones is held against is the guest's own memory and disk: /run is in memory.
const milestones = `suite: milestones
isolation: fork
identity: [machine-id, mac-addresses]
tests:
  - name: goes back and forth
    steps:
      - rollback: {}
      - command: { run: "echo first > /run/mark; echo first > /root/mark; cat /etc/machine-id /sys/class/net/eth0/address" }
        milestone: true
      - command: { run: "echo second > /run/mark; echo second > /root/mark" }
      - rollback: {}
      - file: [{ path: /run/mark, contents: first }, { path: /root/mark, contents: first }]
      - command: { run: "echo third > /run/mark; cat /etc/machine-id /sys/class/net/eth0/address" }
        milestone: true
      - command: { run: "rm /run/mark /root/mark; sync" }
      - rollback: {}
      - file: [{ path: /run/mark, contents: third }, { path: /root/mark, contents: first }]
`;

const files = {
  'prepared.gvm.yaml': `suite: prepared
isolation: fork
identity: [hostname, machine-id, ssh-host-keys, mac-addresses]
setup:
  - command: { run: "echo prepared > /root/prepared && echo prepared > /run/prepared" }
tests:
  - name: disturbs
    command: { run: "rm /root/prepared; echo NEIGHBOUR=1 >> /etc/environment; mkdir /mnt/x; mount -t tmpfs none /mnt/x; modprobe dummy; NEIGHBOUR=1 sleep 1000 & busybox nc -l -p 8080 >/dev/null 2>&1 <&- & ${own}; date -s 1999-12-31" }
  - name: sees nothing of it
    file: [{ path: /root/prepared, contents: prepared }, { path: /run/prepared, contents: prepared }]
    mount: { path: /mnt/x, exists: false }
    process: { name: sleep, running: false }
    port: [{ port: "tcp:8080", listening: false }, { port: "tcp:22", listening: true }]
    command: { run: "! grep -q '^dummy ' /proc/modules && ! grep -q NEIGHBOUR /etc/environment /proc/[1-9]*/environ 2>/dev/null && ${own}; date +%s" }
  - name: comes back from its own disk after a loss of power
    steps:
      - command: { run: "echo own > /root/own; rm /root/prepared; sync" }
      - crash: {}
      - file: [{ path: /root/own, contents: own }, { path: /root/prepared, exists: false }]
`,
  'milestones.gvm.yaml': milestones,
  'plain.gvm.yaml': `suite: plain
isolation: fork
tests:
  - name: one
    file: { path: /etc/passwd, exists: true }
`,
};

let at: ReturnType<typeof project>;
beforeAll(() => {
  at = project(files);
});
afterAll(() => at.remove());

/** What serves one run alone, or only for a while. */
const left = () => listing(join(home, 'checkpoints')).filter((name) => name.startsWith('.'));

async function run(suite: string): Promise<{ record: RunRecord; stderr: string }> {
  const { stdout, stderr } = await gvm(['test', suite, '--json'], { cwd: at.folder });
  return { record: JSON.parse(stdout), stderr };
}

test('each test has a pristine guest, as the setup left it', async () => {
  const { record } = await run('prepared.gvm.yaml');
  expect(record.suites[0]?.tests.map(({ outcome, failures }) => ({ outcome, failures }))).toEqual(
    Array.from({ length: record.suites[0]?.tests.length ?? 0 }, () => ({ outcome: 'passed', failures: [] })),
  );
  const [first = [], second = []] =
    record.suites[0]?.tests
      .filter((t) => t.commands.length === 1 && t.role === undefined)
      .map((t) => t.commands[0]?.stdout.trim().split('\n') ?? []) ?? [];
  expect(first.slice(0, 6).filter((line, i) => line === second[i])).toEqual([]);
  expect(second).toHaveLength(7);
  expect(Math.abs(Date.now() / 1000 - Number(second[6]))).toBeLessThan(60);
  expect(record.guests.filter((guest) => guest.checkpoint === undefined)).toHaveLength(1);
  // The setup's own among them.
  expect(record.guests.filter((guest) => guest.checkpoint !== undefined)).toHaveLength(4);
  expect(record.exitCode).toBe(0);
  expect(left()).toEqual([]);
  expect(await survivors()).toEqual([]);
});

test('a test goes back to its milestones, and none is left after it', async () => {
  const { record } = await run('milestones.gvm.yaml');
  const [one] = record.suites[0]?.tests ?? [];
  expect(one).toMatchObject({ outcome: 'passed', failures: [] });
  const [before, after] = one?.commands.map(({ stdout }) => stdout).filter((text) => text !== '') ?? [];
  expect(before).toMatch(/^[0-9a-f]{32}\n02:/);
  expect(after).toBe(before);
  expect(record.exitCode).toBe(0);
  expect(left()).toEqual([]);
});

test('an NVMe disk is refused with the two ways out', async () => {
  const other = project({ 's.gvm.yaml': `${files['plain.gvm.yaml']}machine: { bus: nvme }\n` });
  const { code, stderr } = await gvm(['test', 's.gvm.yaml'], { cwd: other.folder });
  other.remove();
  expect(code).toBe(2);
  expect(stderr).toContain('QEMU cannot save the state of an NVMe disk');
  expect(stderr).toContain('use another bus (virtio, scsi, sata, usb), or isolation: file');
});
