import { expect, test } from 'vitest';
import { hostArchitecture } from '../../src/host/index.ts';
import { diskImage, dryRun, machineInput } from '../../src/lab/hardware.ts';
import type { GuestSpec } from '../../src/lab/index.ts';
import { buildCommand } from '../../src/machine/index.ts';

const image = {
  name: 'a',
  digest: 'd',
  layers: [{ path: '/store/a.qcow2', format: 'qcow2' as const }],
  virtualSize: 2 ** 30,
};
const spec: GuestSpec = {
  name: 'one',
  image,
  init: 'openrc',
  channel: 'ssh',
  boot: { firmware: 'direct', kernel: '/store/kernel', append: 'root=UUID=1 console=ttyS0' },
  diskImages: { data: { ...image, layers: [{ path: '/store/data.raw', format: 'raw' }] } },
  machine: {
    ...{ arch: 'x86_64', memory: 2 ** 30, cpus: 2, cpu: undefined, firmware: 'direct', kernel: undefined },
    ...{ initrd: undefined, append: '', bus: 'virtio', sector: 512, networks: [], accel: 'auto', timeout: 60_000 },
    disks: [
      { size: 2 ** 20, bus: 'nvme', sector: 4096 },
      { image: 'data', bus: 'scsi', sector: 512 },
    ],
    login: { user: 'root', port: 2222, become: 'none' },
  },
};
const overlay = { path: '/run/overlay.qcow2', format: 'qcow2' as const };
const files = {
  system: [overlay, ...image.layers],
  disks: [[overlay], [overlay]],
  seed: '/run/seed.img',
  screen: '/run/screen.ppm',
};

test('the system disk comes first, the seed last, and only the seed is read-only', () => {
  const { disks, forward, noReboot } = machineInput(spec, 'gvm-r-one', 'tcg', files);
  expect(disks.map(({ id, bus, sector, writable }) => [id, bus, sector, writable])).toEqual([
    ['system', 'virtio', 512, true],
    ['disk1', 'nvme', 4096, true],
    ['disk2', 'scsi', 512, true],
    ['seed', 'virtio', 512, false],
  ]);
  expect({ forward, noReboot }).toEqual({ forward: 2222, noReboot: true });
});

test('modules that were brought along are on one more disk that cannot be written, after all others', () => {
  const kernel = { source: '/k.deb', digest: 'd', release: '6.1.0', moduleDisk: '/kernels/modules.img' };
  const { disks } = machineInput({ ...spec, kernel }, 'gvm-r-one', 'tcg', files);
  expect(disks.at(-1)).toEqual({
    ...{ id: 'modules', bus: 'virtio', sector: 512, writable: false },
    layers: [{ path: '/kernels/modules.img', format: 'raw' }],
  });
  expect(disks.at(-2)?.id).toBe('seed');
});

test('a fork with addresses of its own has them on its machine, and is lent the IPv4 address that it had', () => {
  const networks = [
    { model: 'virtio-net' as const, mode: 'restricted' as const },
    { model: 'e1000' as const, mode: 'restricted' as const },
  ];
  const macs = ['02:00:00:00:00:01', '02:00:00:00:00:02'];
  const fork = { ...spec, macs, machine: { ...spec.machine, networks } };
  const text = (state?: string) => {
    const ram = { path: '/run/memory', shared: false, ...(state === undefined ? {} : { state }) };
    return buildCommand(machineInput(fork, 'gvm-r-one', 'tcg', { ...files, ram })).argv.join(' ');
  };
  for (const command of [text('/run/state'), text()]) {
    expect(command).toContain(`mac=${macs[0]}`);
    expect(command).not.toContain(`mac=${macs[1]}`);
  }
  // QEMU's state of the network knows the address before it as lent to the guest that was frozen.
  expect(text('/run/state')).toContain('dhcpstart=10.0.2.14,hostfwd=tcp:127.0.0.1:0-10.0.2.15:2222');
  expect(text()).not.toContain('dhcpstart');
});

test('a guest of another architecture is emulated, whatever the host has', () => {
  const foreign = {
    ...spec,
    machine: { ...spec.machine, arch: hostArchitecture === 'aarch64' ? 'x86_64' : 'aarch64' },
  };
  expect(dryRun(foreign as GuestSpec, 'kvm')).toContain('-accel tcg');
});

test.each([
  ['', 'root=UUID=1 console=ttyS0 panic=-1'],
  ['root=/dev/sda quiet', 'root=UUID=1 console=ttyS0 root=/dev/sda quiet panic=-1'],
  ['panic=0', 'root=UUID=1 console=ttyS0 panic=0'],
])('the kernel command line with %j appended', (append, expected) => {
  const { boot } = machineInput({ ...spec, machine: { ...spec.machine, append } }, 'gvm-r-one', 'tcg', files);
  expect(boot).toMatchObject({ firmware: 'direct', append: expected });
});

test('a dry run names the images, and nothing that exists only while a guest runs', () => {
  const text = dryRun(spec, 'tcg');
  expect(text).toContain('/store/a.qcow2');
  expect(text).toContain('/store/data.raw');
  expect(text).not.toMatch(/seed|disk1|overlay/);
});

test('an image that was not resolved is a defect', () => {
  expect(() => diskImage(spec, 'other')).toThrow('was not resolved');
  expect(() => diskImage(spec, 'toString')).toThrow('was not resolved');
});

test('a machine that starts by firmware has a screen, and one whose kernel QEMU starts has none', () => {
  expect(machineInput(spec, 'gvm-r-one', 'tcg', files).screen).toBeUndefined();
  expect(machineInput({ ...spec, boot: { firmware: 'bios' } }, 'gvm-r-one', 'tcg', files).screen).toBe(files.screen);
});
