import { expect, test } from 'vitest';
import { bootCodeOf } from '../../../src/disk/partition/boot-code.ts';

const sector = (code: string, rest = '') => {
  const bytes = Buffer.alloc(512);
  bytes.write(code, 0x100, 'latin1');
  bytes.write(rest, 440, 'latin1');
  return bytes;
};

test.each([
  ['GRUB \0Geom\0Hard Disk\0Read\0 Error\r\n\0', 'GRUB'],
  ['Multiple active partitions.\r\nOperating system load error.\r\n', 'SYSLINUX'],
  ['Missing OS\r\n', 'SYSLINUX'],
  ['Invalid partition table\0', 'unknown'],
])('code that says %j is of %s', (said, loader) => {
  expect(bootCodeOf(sector(said))).toBe(loader);
});

test('what stands in the table of the disk is no code', () => {
  expect(bootCodeOf(sector('', 'GRUB \0Geom\0'))).toBeUndefined();
});
