import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { within } from '../../src/core/index.ts';
import { openSsh } from '../../src/guest/index.ts';
import type { Guest } from '../../src/lab/index.ts';
import { listing, sha256 } from './gvm.ts';
import { openTestLab, type TestLab } from './test-lab.ts';

let bench: TestLab;
beforeAll(async () => {
  bench = await openTestLab();
});
afterAll(() => bench?.[Symbol.asyncDispose]());

/**
 * One line for each disk, with the kind of its name alone: letters are given in the order in which disks are found. The
 * serial number is an attribute of the disk, or of what it is plugged into.
 */
const LIST_DISKS = `for disk in /sys/block/vd* /sys/block/sd* /sys/block/nvme*; do
  [ -e $disk/size ] || continue
  at=$(readlink -f $disk) serial=
  [ -r $at/device/vpd_pg80 ] && serial=$(tail -c +5 $at/device/vpd_pg80)
  while [ -z "$serial" ] && [ "$at" != /sys ]; do
    [ -r $at/serial ] && serial=$(cat $at/serial)
    at=\${at%/*}
  done
  read -r size < $disk/size; read -r sector < $disk/queue/logical_block_size
  name=\${disk##*/}
  echo "$(echo $serial) $(echo \${name%[a-z]} | sed "s/[0-9].*//") $((size / 2048)) MiB, sectors of $sector"
done`;

const text = (result: { stdout: Buffer }) => result.stdout.toString('utf8').trim();

describe('a guest', () => {
  let guest: Guest;
  let base: { path: string; digest: string };
  const sh = async (command: string) => text(await guest.channel().exec(command));

  beforeAll(async () => {
    const spec = await bench.describe('one', {
      disks: [
        { size: '1G' },
        { size: '64M', bus: 'nvme', sector: 4096 },
        { size: '32M', bus: 'scsi', sector: 4096 },
        { size: '48M', bus: 'sata' },
        { size: '16M', bus: 'usb' },
      ],
      networks: [{ mode: 'restricted' }, { model: 'e1000', mode: 'none' }, { model: 'rtl8139', mode: 'internet' }],
    });
    const path = spec.image.layers[0]?.path ?? '';
    base = { path, digest: sha256(path) };
    guest = await bench.lab.start(spec);
  });

  test('is ready when a command was answered and init has settled', async () => {
    const { sshMs = 0, readyMs = 0, outcome, stages } = guest.boot;
    expect(outcome).toBe('ready');
    expect(readyMs).toBeGreaterThanOrEqual(sshMs);
    expect(stages.map((s) => s.stage)).toEqual(['qemu', 'firmware', 'kernel', 'initrd', 'init', 'network', 'ssh']);
    expect(stages.every((s, i) => s.atMs >= (stages[i - 1]?.atMs ?? 0))).toBe(true);
    expect(await sh('cat /run/openrc/softlevel; ls /run/openrc/starting')).toBe('default');
  });

  test('has a disk on every bus, with the serial number, size and sectors that were described', async () => {
    const disks = async () =>
      (await sh(LIST_DISKS))
        .split('\n')
        .filter((line) => !line.startsWith('seed'))
        .sort();
    // Drivers that the login does not need are loaded after it.
    await expect
      .poll(disks, { timeout: 20_000 * guest.scale, interval: 500 })
      .toEqual([
        'disk1 vd 1024 MiB, sectors of 512',
        'disk2 nvme 64 MiB, sectors of 4096',
        'disk3 sd 32 MiB, sectors of 4096',
        'disk4 sd 48 MiB, sectors of 512',
        'disk5 sd 16 MiB, sectors of 512',
        'system vd 2048 MiB, sectors of 512',
      ]);
  });

  test('has its network cards in their order, and cables where they were asked for', async () => {
    expect(await sh('cat /etc/hostname')).toBe('one');
    const cards = () => sh('cd /sys/class/net; for card in eth*; do cat $card/address; done');
    await expect
      .poll(cards, { timeout: 20_000 * guest.scale, interval: 500 })
      .toBe('52:54:00:67:76:01\n52:54:00:67:76:02\n52:54:00:67:76:03');
    const drivers = 'cd /sys/class/net; for card in eth*; do basename $(readlink $card/device/driver); done';
    expect(await sh(drivers)).toBe('virtio_net\ne1000\n8139cp');
  });

  test('takes as long a command as its kernel does', async () => {
    expect(await sh(`: ${'x'.repeat(120_000)}; echo done`)).toBe('done');
  });

  test('does not wait for what a command leaves behind, nor ends it', async () => {
    const began = performance.now();
    const commands = Array.from({ length: 12 }, () => guest.channel().exec('(sleep 8; echo late) & exit 4'));
    expect((await Promise.all(commands)).map((r) => r.exitCode)).toEqual(Array(12).fill(4));
    expect(performance.now() - began).toBeLessThan(8000);
    expect(Number(await sh('pgrep -xc sleep || ps | grep -c "[s]leep 8"'))).toBeGreaterThanOrEqual(12);
  });

  test('tells the complaints of its kernel, and no others', async () => {
    expect(guest.healthFindings()).toEqual([]);
    await sh(
      'echo "Kernel panic - not syncing: forged" > /dev/console; echo "<4>WARNING: CPU: 0 PID: 1 at a test" > /dev/kmsg',
    );
    await expect
      .poll(() => guest.healthFindings())
      .toMatchObject([{ kind: 'warning', line: 'WARNING: CPU: 0 PID: 1 at a test' }]);
  });

  test('is not lost by what its console shows', async () => {
    const forged = [
      'No bootable device.',
      'gvm-initramfs: root device x not found',
      '[    9.000000] Kernel panic - not syncing: no',
    ];
    await sh(
      `printf '%s\\n' ${forged.map((t) => `'${t}'`).join(' ')} > /dev/console; printf 'grub rescue> ' > /dev/console`,
    );
    expect(await within(guest.lost, 3000)).toBeUndefined();
    expect(await sh('echo well')).toBe('well');
  });

  test('is entered by its address alone, and by its own host key only', async () => {
    const address = JSON.parse(JSON.stringify(guest.ssh));
    await using channel = await openSsh(address, { scale: guest.scale });
    expect(text(await channel.exec('id -un'))).toBe('root');
    const other = { ...address, hostKey: `ssh-ed25519 ${'A'.repeat(68)}` };
    await expect(openSsh(other, { scale: guest.scale })).rejects.toMatchObject({ code: 'login-refused' });
  });

  test('powers off when it is asked to, and leaves its base as it was', async () => {
    expect(await guest.powerOff()).toBe('guest');
    expect(await within(guest.lost, 200)).toBeUndefined();
    const folder = join(guest.consoleLog, '..');
    expect(readFileSync(guest.consoleLog, 'utf8')).toMatch(/^ +\d+\.\d{3} .*OpenRC/m);
    await guest[Symbol.asyncDispose]();
    expect(existsSync(folder)).toBe(false);
    expect(sha256(base.path)).toBe(base.digest);
  });
});

test('a guest that is killed from outside is lost at once, and its commands end; a kept one outlives its lab', async () => {
  const own = await openTestLab();
  const guest = await own.lab.start(await own.describe('two'));
  const running = guest.channel().exec('sleep 60');
  running.catch(() => {});
  process.kill(guest.pid, 'SIGKILL');
  const lost = await within(guest.lost, 2000);
  expect(lost).toMatchObject({ code: 'guest-lost', details: { cause: 'qemu-ended', blame: 'host' } });
  await expect(running).rejects.toMatchObject({ code: 'channel-closed' });
  const kept = guest.keep();
  await own.lab[Symbol.asyncDispose]();
  expect(existsSync(kept.overlay) && existsSync(kept.consoleLog)).toBe(true);
  expect(kept.reopen).toContain(kept.overlay);
  expect(listing(own.state.runtime)).toEqual([]);
  await own[Symbol.asyncDispose]();
});

test('a start that is called off leaves nothing', async () => {
  const own = await openTestLab();
  const controller = new AbortController();
  const spec = await own.describe('three');
  const starting = own.lab.start(spec, {
    signal: controller.signal,
    onProgress: ({ stage }) => stage === 'kernel' && controller.abort(new Error('called off')),
  });
  await expect(starting).rejects.toThrow('called off');
  expect(listing(join(own.state.home, 'runs', own.lab.run)).sort()).toEqual(['owner.json']);
  await own.lab[Symbol.asyncDispose]();
  expect([...listing(own.state.runtime), ...listing(join(own.state.home, 'runs'))]).toEqual([]);
  await own[Symbol.asyncDispose]();
});
