import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLog } from '../../src/core/index.ts';
import { writeCpio } from '../../src/disk/index.ts';
import { moduleName } from '../../src/facts/index.ts';
import { findBusybox } from '../../src/image/busybox.ts';
import { openStore } from '../../src/image/index.ts';
import { openModuleTree, rootModules } from '../../src/image/initramfs/plan.ts';
import { type PreparedKernel, prepareKernel } from '../../src/image/kernel/prepare.ts';
import { buildCommand, type MachineInput, startMachine } from '../../src/machine/index.ts';
import { debianPackages } from './debian.ts';
import { home, repository } from './gvm.ts';
import { openTestLab, type TestLab } from './test-lab.ts';

let bench: TestLab;
let folder: string;
let kernel: PreparedKernel;
let busybox: string;

beforeAll(async () => {
  bench = await openTestLab();
  folder = mkdtempSync(join(tmpdir(), 'gvm-aarch64-'));
  const store = openStore(home);
  const [file = ''] = await debianPackages('arm64', 'linux-image-arm64');
  kernel = await prepareKernel(file, { kernels: store.kernels });
  busybox = await findBusybox('aarch64', {
    ...{ store, recipes: [join(repository, 'images')], log: silentLog, version: 'test' },
  });
});
afterAll(async () => {
  await bench?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** `/init`: loads what it was given, says what it sees, and powers off. */
const INIT = `#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
mount -t sysfs sysfs /sys
for module in $(cat /modules); do insmod /lib/$module; done
for disk in /sys/block/vd* /sys/block/sd* /sys/block/nvme*; do
  [ -e $disk/size ] && echo "disk \${disk##*/}: $(cat $disk/size) of 512, sectors of $(cat $disk/queue/logical_block_size)"
done
echo "machine $(uname -m) $(uname -r), $(nproc) processors"
poweroff -f
`;

test('a kernel of aarch64 starts on the virt board, sees its disks, and powers off', async () => {
  const tree = await openModuleTree(join(kernel.folder, 'modules'));
  const paths = rootModules(tree, ['virtio', 'scsi', 'sata', 'nvme'], 'ext4');
  const names = paths.map((path) => `${moduleName(path)}.ko`);
  const initrd = join(folder, 'initrd');
  const entries = [
    ...['bin', 'dev', 'lib', 'proc', 'sys'].map((path) => ({ path, kind: 'folder' as const })),
    { path: 'bin/busybox', kind: 'file' as const, mode: 0o755, bytes: readFileSync(busybox) },
    { path: 'dev/console', kind: 'device' as const, mode: 0o600, major: 5, minor: 1 },
    { path: 'init', kind: 'file' as const, mode: 0o755, bytes: Buffer.from(INIT) },
    { path: 'modules', kind: 'file' as const, bytes: Buffer.from(names.join('\n')) },
    ...paths.map((path, i) => ({
      path: `lib/${names[i]}`,
      kind: 'file' as const,
      bytes: readFileSync(join(tree.folder, path)),
    })),
  ];
  writeFileSync(initrd, writeCpio(entries, { mtime: 0 }));
  const disk = (bus: MachineInput['disks'][number]['bus'], sector: 512 | 4096 = 512): MachineInput['disks'][number] => {
    const path = join(folder, `${bus}.raw`);
    writeFileSync(path, '');
    truncateSync(path, 2 ** 20);
    return { id: `on-${bus}`, layers: [{ path, format: 'raw' }], writable: true, bus, sector };
  };
  const command = buildCommand({
    ...{ name: `gvm-${process.pid}-aarch64`, arch: 'aarch64', memory: 256 * 2 ** 20, cpus: 2, accelerator: 'tcg' },
    boot: { firmware: 'direct', kernel: kernel.image, initrd, append: 'console=ttyAMA0 panic=-1 quiet' },
    disks: [disk('virtio', 4096), disk('scsi', 4096), disk('sata'), disk('nvme', 4096)],
    networks: [],
    forward: 22,
    noReboot: true,
  });
  await using machine = await startMachine(command, { log: silentLog });
  let said = '';
  for await (const chunk of machine.serial) said += chunk;
  expect(await machine.exited).toMatchObject({ code: 0 });
  expect(
    said
      .split(/\r?\n/)
      .filter((line) => /^(disk|machine) /.test(line))
      .sort(),
  ).toEqual([
    'disk nvme0n1: 2048 of 512, sectors of 4096',
    'disk sda: 2048 of 512, sectors of 4096',
    'disk sdb: 2048 of 512, sectors of 512',
    'disk vda: 2048 of 512, sectors of 4096',
    `machine aarch64 ${kernel.manifest.release}, 2 processors`,
  ]);
});

test('a guest of aarch64 without a root ends with its cause, as any other', async () => {
  const disk = join(folder, 'empty.raw');
  writeFileSync(disk, '');
  truncateSync(disk, 2 ** 20);
  const machine = {
    ...{ arch: 'aarch64', firmware: 'direct', kernel: kernel.source, memory: '512M' },
    append: 'console=ttyAMA0 root=LABEL=nowhere rootfstype=ext4',
  };
  const spec = await bench.describe('arm', machine, disk);
  expect(spec.kernel).toMatchObject({ release: kernel.manifest.release, digest: kernel.manifest.digest });
  await expect(bench.lab.start(spec)).rejects.toMatchObject({
    code: 'boot-failed',
    details: { stage: 'initrd', cause: 'root-missing', blame: 'guest' },
  });
});

test('a kernel for another architecture is refused', async () => {
  const refused = bench.describe('other', { firmware: 'direct', kernel: kernel.source });
  await expect(refused).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining('is for aarch64') });
});
