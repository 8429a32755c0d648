import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { GuestSpec } from '../../src/lab/index.ts';
import { openTestLab, type TestLab } from '../e2e/test-lab.ts';

let bench: TestLab;
let folder: string;
beforeAll(async () => {
  bench = await openTestLab();
  folder = mkdtempSync(join(tmpdir(), 'gvm-buses-'));
});
afterAll(async () => {
  await bench?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** Boots a guest and says what its root is: source, driver of the disk, bytes of a sector. */
async function rootOf(spec: GuestSpec): Promise<string> {
  await using guest = await bench.lab.start(spec);
  const { stdout } = await guest.channel().exec(`
    source=$(findmnt -no SOURCE /); name=\${source#/dev/}
    disk=$(readlink -f /sys/class/block/$name); [ -e $disk/queue ] || disk=\${disk%/*}
    echo $source $(cat $disk/queue/logical_block_size)`);
  return stdout.toString('utf8').trim();
}

test.each([
  ['direct', 'scsi', '/dev/sda2 512'],
  ['direct', 'sata', '/dev/sda2 512'],
  ['direct', 'nvme', '/dev/nvme0n1p2 512'],
  ['direct', 'usb', '/dev/sda2 512'],
  ['bios', 'virtio', '/dev/vda2 512'],
  ['bios', 'scsi', '/dev/sda2 512'],
  ['bios', 'sata', '/dev/sda2 512'],
  ['bios', 'nvme', '/dev/nvme0n1p2 512'],
  ['bios', 'usb', '/dev/sda2 512'],
  ['uefi', 'scsi', '/dev/sda2 512'],
  ['uefi', 'sata', '/dev/sda2 512'],
  ['uefi', 'nvme', '/dev/nvme0n1p2 512'],
  ['uefi', 'usb', '/dev/sda2 512'],
])('boots by %s from a root on %s', async (firmware, bus, root) => {
  expect(await rootOf(await bench.describe(`${firmware}-${bus}`, { firmware, bus }))).toBe(root);
});

test.each([
  ['virtio', '/dev/vda 4096'],
  ['nvme', '/dev/nvme0n1 4096'],
])(
  'boots from a root on a %s disk with sectors of 4 KiB, where no partition table counts in others',
  async (bus, root) => {
    const { image, boot } = await bench.describe('reference', { bus });
    if (boot.firmware !== 'direct') throw new Error('the image does not boot directly');
    const [disk, whole] = [join(folder, 'disk.raw'), join(folder, 'root.raw')];
    execFileSync('qemu-img', ['convert', '-O', 'raw', image.layers[0]?.path ?? '', disk]);
    const table = JSON.parse(execFileSync('/sbin/sfdisk', ['--json', disk], { encoding: 'utf8' }));
    const { start, size } = table.partitiontable.partitions[1];
    execFileSync('dd', [`if=${disk}`, `of=${whole}`, 'bs=512', `skip=${start}`, `count=${size}`, 'conv=sparse']);
    const { kernel, initrd, append } = boot;
    const machine = { firmware: 'direct', kernel, initrd, append, bus, sector: 4096 };
    expect(await rootOf(await bench.describe(`large-${bus}`, machine, whole))).toBe(root);
  },
);
