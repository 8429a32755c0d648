import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { gvm, home } from '../e2e/gvm.ts';

const folder = mkdtempSync(join(tmpdir(), 'gvm-long-formats-'));
afterAll(() => rmSync(folder, { recursive: true }));

function converted(file: string, format: string, option = ''): string {
  const options = option === '' ? [] : ['-o', option];
  const disk = join(home, 'images/openrc/disk.qcow2');
  execFileSync('qemu-img', ['convert', '-f', 'qcow2', '-O', format, ...options, disk, join(folder, file)]);
  return join(folder, file);
}

const machine = ['--firmware', 'direct', '--kernel', 'openrc', '--append', 'root=/dev/vda2 rootfstype=ext4'];

test.each([
  ['one.vmdk', 'vmdk', ''],
  ['stream.vmdk', 'vmdk', 'subformat=streamOptimized'],
  ['disk.vhdx', 'vhdx', ''],
  ['disk.vhd', 'vpc', ''],
  ['disk.vdi', 'vdi', ''],
])('%s boots, and shows offline what the default image shows', async (file, format, option) => {
  const path = converted(file, format, option);
  const listing = async (image: string) => (await gvm(['ls', '-lR', image, '/etc', '--json'])).stdout;
  expect(await listing(path)).toBe(await listing('openrc'));
  const { code, stdout, stderr } = await gvm([
    'run',
    ...machine,
    path,
    '--',
    'cat /etc/hostname; grep " / " /proc/mounts',
  ]);
  expect([code, stdout], stderr).toEqual([0, expect.stringMatching(/ \/ ext4 /)]);
  rmSync(path);
});

test('a vmdk in several files does not boot, and says how to convert it', async () => {
  const { code, stderr } = await gvm([
    'run',
    ...machine,
    converted('flat.vmdk', 'vmdk', 'subformat=monolithicFlat'),
    '--',
    'true',
  ]);
  expect([code, stderr]).toEqual([125, expect.stringContaining('qemu-img convert -f vmdk -O qcow2')]);
});
