import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeCpio } from '../../src/disk/index.ts';
import { type GvmError, isGvmError } from '../../src/errors/index.ts';
import type { GuestSpec } from '../../src/lab/index.ts';
import { openTestLab, type TestLab } from './test-lab.ts';

// Each guest here dies on its way in a way of its own; what is tested is that its end is told, with its cause, within
// seconds of the trace that it leaves.

let bench: TestLab;
let folder: string;
let whole: GuestSpec;

beforeAll(async () => {
  bench = await openTestLab();
  folder = mkdtempSync(join(tmpdir(), 'gvm-dead-'));
  whole = await bench.describe('whole', { memory: '256M' });
});
afterAll(async () => {
  await bench?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const kernel = () => (whole.boot.firmware === 'direct' ? whole.boot.kernel : '');

/** A guest of the default image's kernel with another first program, and a disk with nothing on it. */
function bare(name: string, init: string | undefined, append = ''): GuestSpec {
  const initrd = join(folder, `${name}.cpio`);
  const busybox = readFileSync(join(dirname(kernel()), 'busybox'));
  if (init !== undefined) {
    const script = Buffer.from(`#!/busybox sh\n${init}\n`);
    const entries = [
      { path: 'dev', kind: 'folder' as const },
      { path: 'busybox', kind: 'file' as const, mode: 0o755, bytes: busybox },
      { path: 'init', kind: 'file' as const, mode: 0o755, bytes: script },
    ];
    writeFileSync(initrd, writeCpio(entries, { mtime: 0 }));
  }
  const direct = { firmware: 'direct' as const, kernel: kernel(), append: `console=ttyS0 quiet ${append}` };
  return { ...whole, name, image: empty(name), boot: init === undefined ? direct : { ...direct, initrd } };
}

function empty(name: string): GuestSpec['image'] {
  const path = join(folder, `${name}.raw`);
  writeFileSync(path, '');
  truncateSync(path, 4 * 2 ** 20);
  return { name: 'empty', digest: '', layers: [{ path, format: 'raw' }], virtualSize: 4 * 2 ** 20 };
}

/** The error of a boot, and what its console log had to say. */
async function death(spec: GuestSpec): Promise<{ error: GvmError; log: string; took: number }> {
  const began = performance.now();
  const error = await bench.lab.start(spec).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!isGvmError(error)) throw error ?? new Error('the guest became ready');
  expect(bench.processes()).toEqual([]);
  return { error, log: readFileSync(String(error.details.console), 'utf8'), took: performance.now() - began };
}

test('the root device is not there: the initramfs says what it waited for and what it found', async () => {
  const root = 'UUID=00000000-1111-2222-3333-444444444444';
  const { error, log } = await death(await bench.describe('no-root', { append: `root=${root} gvm.scale=1` }));
  expect(error).toMatchObject({
    code: 'boot-failed',
    details: { stage: 'initrd', cause: 'root-missing', blame: 'guest' },
  });
  expect(error.message).toContain(`root device ${root} not found after 5 s; found: vda (GPT)`);
  expect(log).toContain('gvm-initramfs:');
});

test('the kernel has no root and no initramfs', async () => {
  const { error } = await death(bare('no-initramfs', undefined, 'root=/dev/vda'));
  expect(error.details).toMatchObject({ stage: 'kernel', cause: 'root-missing' });
  expect(error.message).toContain('VFS: Unable to mount root fs');
});

test('the kernel panics and stands still', async () => {
  const { error } = await death(bare('hangs', undefined, 'root=/dev/vda panic=0'));
  expect(error.details).toMatchObject({ stage: 'kernel', cause: 'root-missing' });
});

test('init exits', async () => {
  const { error } = await death(bare('init-exits', 'exit 3'));
  expect(error.details).toMatchObject({ stage: 'init', cause: 'init-failed' });
  expect(error.message).toContain('Attempted to kill init! exitcode=0x00000300');
});

test('init powers off and says nothing', async () => {
  const { error } = await death(bare('powers-off', '/busybox poweroff -f'));
  expect(error.details).toMatchObject({ cause: 'guest-shutdown', blame: 'guest' });
});

test('an emergency shell waits for someone', async () => {
  const { error } = await death(
    bare('shell', '/busybox mount -t devtmpfs dev /dev; exec </dev/console >/dev/console 2>&1; exec /busybox sh -i'),
  );
  expect(error.details).toMatchObject({ stage: 'initrd', cause: 'emergency-shell' });
});

test('a guest that shows nothing ends at its deadline, and the message says what was last seen', async () => {
  const silent = bare('silent', 'while :; do /busybox sleep 10; done');
  const { error } = await death({ ...silent, machine: { ...silent.machine, timeout: 2000 } });
  expect(error).toMatchObject({ code: 'boot-timeout', details: { outcome: 'timeout' } });
  expect(error.message).toMatch(
    /not ready within .*; nothing answers at its SSH port; its console last showed ".*" .* ago/,
  );
});

test('the BIOS finds nothing to boot on an empty disk', async () => {
  const spec = { ...(await bench.describe('bios', { memory: '256M', firmware: 'bios' })), image: empty('bios') };
  const { error } = await death(spec);
  expect(error.details).toMatchObject({ stage: 'firmware', cause: 'no-bootable-disk' });
  expect(error.message).toContain('No bootable device.');
});

test('a disk made for UEFI does nothing under the BIOS', async () => {
  const { error } = await death(await bench.describe('other-firmware', { memory: '256M', firmware: 'bios' }));
  expect(error.details).toMatchObject({ stage: 'firmware', cause: 'no-boot-loader' });
});

test('UEFI finds nothing to boot on an empty disk', async () => {
  const spec = { ...(await bench.describe('uefi', { memory: '256M', firmware: 'uefi' })), image: empty('uefi') };
  const { error } = await death(spec);
  expect(error.details).toMatchObject({ stage: 'firmware', cause: 'no-bootable-disk' });
  expect(error.message).toContain('EFI Internal Shell');
});
