import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { within } from '../../src/core/index.ts';
import type { Guest } from '../../src/lab/index.ts';
import { openTestLab, type TestLab } from './test-lab.ts';

let bench: TestLab;
let guest: Guest;
beforeAll(async () => {
  bench = await openTestLab();
  guest = await bench.lab.start(await bench.describe('power'));
});
afterAll(() => bench?.[Symbol.asyncDispose]());

const sh = async (command: string) => (await guest.channel().exec(command)).stdout.toString('utf8').trim();
const bootId = () => sh('cat /proc/sys/kernel/random/boot_id');

/** Has a command run over each channel until its guest is no more; both channels then serve the next boot. */
function commandsInTheMiddle() {
  const running = [guest.channel(), guest.console].map((channel) => channel.exec('sleep 1000', { timeout: 3_600_000 }));
  const ends = Promise.all(running.map((one) => expect(one).rejects.toMatchObject({ code: 'channel-closed' })));
  return async () => {
    await ends;
    for (const channel of [guest.channel(), guest.console]) {
      expect((await channel.exec('echo again')).stdout.toString()).toBe('again\n');
    }
  };
}

test('a reboot keeps QEMU and the disk, and is a boot of its own', async () => {
  const before = { pid: guest.pid, id: await bootId() };
  await sh('echo kept > /root/mark');
  const broken = commandsInTheMiddle();
  const record = await guest.reboot();
  await broken();
  expect(record).toMatchObject({ how: 'reboot', outcome: 'ready' });
  expect(record.stages.map((s) => s.stage)).toEqual(['qemu', 'firmware', 'kernel', 'initrd', 'init', 'network', 'ssh']);
  expect(record.stages.every(({ atMs }, i) => atMs >= (record.stages[i - 1]?.atMs ?? 0))).toBe(true);
  expect(record.beganMs).toBeGreaterThan(guest.boot.readyMs ?? 0);
  expect(guest.pid).toBe(before.pid);
  expect(await bootId()).not.toBe(before.id);
  expect(await sh('cat /root/mark')).toBe('kept');
});

test('a loss of power keeps what was synced and loses what was not', async () => {
  const before = { pid: guest.pid, id: await bootId() };
  await sh('echo synced > /root/synced && sync; dd if=/dev/zero of=/root/lost bs=1k count=1 2>&1');
  const broken = commandsInTheMiddle();
  const record = await guest.crash();
  await broken();
  expect(record).toMatchObject({ how: 'crash', outcome: 'ready' });
  expect(guest.pid).not.toBe(before.pid);
  expect(await bootId()).not.toBe(before.id);
  expect(await sh('cat /root/synced; test -s /root/lost || echo lost')).toBe('synced\nlost');
  expect(guest.reboots.map((r) => r.how)).toEqual(['reboot', 'crash']);
  const log = readFileSync(guest.consoleLog, 'utf8');
  expect(log.match(/Linux version/g)).toHaveLength(3);
  expect(log).toMatch(/== the guest reset itself[\s\S]*== the power was taken away/);
});

test('a cable that is pulled and put back', async () => {
  await guest.channel().exec('(sleep 3; cat /sys/class/net/eth0/carrier > /root/carrier) > /dev/null 2>&1 &');
  await guest.setLink(false);
  const cut = guest.channel().exec('true', { timeout: 4000 });
  await expect(cut).rejects.toMatchObject({ code: 'deadline' });
  await guest.setLink(true);
  expect(await sh('cat /root/carrier')).toBe('0');
  expect(await within(guest.lost, 0)).toBeUndefined();
});
