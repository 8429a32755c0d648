import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { monotonic, within } from '../../src/core/index.ts';
import { signatures } from '../../src/guest/serial/signatures.ts';
import type { Guest } from '../../src/lab/index.ts';
import { Workshop } from './broken.ts';
import { openTestLab, type TestLab } from './test-lab.ts';

// Any program may print any text. A healthy guest prints every signature of a dead boot on its way and again when it is
// ready, in three ways: on its own output, into the kernel's log, and on the serial port. Nothing must come of it.

const forged = signatures.map(({ example }) => example).join('\n');
const FORGE = `cat /forged
while IFS= read -r line; do echo "<2>$line" > /dev/kmsg; done < /forged
cat /forged > /dev/ttyS0
for prompt in 'grub rescue> ' '(initramfs) ' 'Press Enter to continue.'; do printf '%s' "$prompt" > /dev/ttyS0; done`;

let bench: TestLab;
let folder: string;
let guest: Guest;

beforeAll(async () => {
  bench = await openTestLab();
  folder = mkdtempSync(join(tmpdir(), 'gvm-forged-'));
  const service = (depend: string) =>
    `#!/sbin/openrc-run\ndepend() {\n\t${depend}\n}\nstart() {\n${FORGE}\n\treturn 0\n}\n`;
  const spec = await new Workshop(bench, folder).changed('forger', {
    files: {
      forged: Buffer.from(`${forged}\n`),
      early: Buffer.from(service('need root; after bootmisc; before network')),
      late: Buffer.from(service('need net; before sshd')),
    },
    disk: `cp /forged /root/forged; cp /early /root/etc/init.d/early; cp /late /root/etc/init.d/late
      ln -s /etc/init.d/early /root/etc/runlevels/boot/early; ln -s /etc/init.d/late /root/etc/runlevels/default/late`,
    // The kernel takes a few lines a second from programs, unless it is told otherwise.
    machine: { append: 'printk.devkmsg=on' },
  });
  guest = await bench.lab.start(spec);
});
afterAll(async () => {
  await bench?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

test('a boot that prints every signature becomes ready', async () => {
  expect(guest.boot).toMatchObject({ outcome: 'ready' });
  const log = guest.consoleTail(400).join('\n');
  const shown = signatures.filter(({ example }) => log.split(example.trim()).length > 3);
  expect(shown.length, 'each was printed three times by two services').toBeGreaterThan(signatures.length * 0.9);
});

test('a guest that prints them when it is ready is not lost', async () => {
  const began = monotonic();
  for (let round = 0; round < 2; round++) {
    await guest.channel().exec(FORGE);
    expect(await within(guest.lost, 3000)).toBeUndefined();
  }
  expect(monotonic() - began).toBeGreaterThan(6000);
  expect((await guest.channel().exec('echo alive')).stdout.toString()).toBe('alive\n');
});

test('its real panic is told at once, as a loss that the guest is to blame for', async () => {
  const began = monotonic();
  guest
    .channel()
    .exec('sleep 0.2; echo c > /proc/sysrq-trigger')
    .catch(() => {});
  const error = await within(guest.lost, 20_000);
  expect(error).toMatchObject({
    code: 'guest-lost',
    exitCode: 3,
    details: { cause: 'kernel-panic', blame: 'guest' },
    message: expect.stringContaining('sysrq triggered crash'),
  });
  expect(monotonic() - began).toBeLessThan(4000);
});
