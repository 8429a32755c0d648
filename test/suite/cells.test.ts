import { expect, test } from 'vitest';
import { matrixSchema } from '../../src/schema/index.ts';
import { cellsOf } from '../../src/suite/cells.ts';
import { builtins, compileSuite, expandCells } from '../../src/suite/index.ts';

const cells = (keys: Record<string, unknown>) => cellsOf(matrixSchema.parse(keys));
const names = (keys: Record<string, unknown>) => cells(keys).map((cell) => cell.name);

test('no matrix is one cell without a name, and so is one without a choice', () => {
  expect(cells({})).toEqual([{ name: '', values: {}, machine: {} }]);
  expect(cells({ image: ['a.qcow2'], memory: ['1G'] })).toEqual([
    { name: '', values: { image: 'a.qcow2', memory: '1073741824' }, image: 'a.qcow2', machine: { memory: 2 ** 30 } },
  ]);
});

test('every combination is a cell, named by what differs', () => {
  expect(names({ image: ['openrc', '/x/my.qcow2'], bus: ['virtio', 'nvme'], memory: ['512M'] })).toEqual([
    'openrc, virtio',
    'openrc, nvme',
    'my, virtio',
    'my, nvme',
  ]);
  expect(names({ memory: ['512M', '2G'], cpus: [1, 2], sector: [512, 4096] })).toHaveLength(8);
  expect(names({ memory: ['512M', '2G'], cpus: [1, 2] })[0]).toBe('512M, 1 CPUs');
});

test('kernels meet only cells that are started directly; a firmware boots the kernel of the image, once', () => {
  const matrix = cells({
    firmware: ['direct', 'uefi'],
    kernel: ['/p/vmlinuz-6.1', '/p/linux-image-6.6_1-2_amd64.deb'],
  });
  expect(matrix.map((cell) => cell.name)).toEqual(['6.1, direct', 'uefi', '6.6, direct']);
  expect(matrix.map((cell) => cell.machine.kernel)).toEqual([
    '/p/vmlinuz-6.1',
    undefined,
    '/p/linux-image-6.6_1-2_amd64.deb',
  ]);
});

test('without a choice of firmware every kernel stays, whatever the firmware will be', () => {
  expect(cells({ kernel: ['/k'] })[0]?.machine).toEqual({ kernel: '/k' });
});

test('what is excluded is left out, and something must be left', () => {
  const matrix = { firmware: ['direct', 'uefi'], bus: ['virtio', 'usb'] };
  expect(names({ ...matrix, exclude: [{ firmware: 'uefi', bus: 'usb' }] })).toEqual([
    'direct, virtio',
    'direct, usb',
    'uefi, virtio',
  ]);
  expect(() => cells({ ...matrix, exclude: [{}] })).toThrow('leaves no combination');
});

test('files of one name are told apart by their paths', () => {
  expect(names({ image: ['/a/disk.qcow2', '/b/disk.qcow2'] })).toEqual(['/a/disk.qcow2', '/b/disk.qcow2']);
});

test('far too many combinations are refused', () => {
  const many = Array.from({ length: 64 }, (_, i) => i + 1);
  expect(() => cells({ cpus: many, memory: many.map((n) => `${n}G`) })).toThrow('more than 512 combinations');
});

const text = `suite: boot
matrix: { memory: [1G, 2G] }
tests:
  - { name: one, kernel: { taint: 0 } }
`;

test('a plan is multiplied by the axes of project, suite and command line, each over the one before', () => {
  const plan = compileSuite(text, 'boot.gvm.yaml', builtins);
  const plans = expandCells([plan], { memory: [1], bus: ['scsi', 'sata'] }, { bus: ['nvme'], image: ['a', 'b'] });
  expect(plans.map(({ key, name, tests }) => [key, name, tests[0]?.id])).toEqual(
    ['a, 1G', 'a, 2G', 'b, 1G', 'b, 2G'].map((cell) => [
      `boot.gvm.yaml [${cell}]`,
      `boot [${cell}]`,
      `boot/one [${cell}]`,
    ]),
  );
  expect(plans.every((p) => p.cell?.machine.bus === 'nvme')).toBe(true);
  const [alone] = expandCells([compileSuite(text.replace(/matrix.*\n/, ''), 'x', builtins)], {}, {});
  expect(alone).toMatchObject({ key: 'x', name: 'boot', cell: { name: '' } });
});

test('a cell that is repeated is several, each with a name of its own', () => {
  const plans = expandCells([compileSuite(text, 'x', builtins)], {}, {}, 2);
  expect(plans.map(({ key, tests }) => [key, tests[0]?.id])).toEqual(
    ['1G, 1 of 2', '1G, 2 of 2', '2G, 1 of 2', '2G, 2 of 2'].map((cell) => [`x [${cell}]`, `boot/one [${cell}]`]),
  );
});
