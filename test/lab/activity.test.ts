import { expect, test } from 'vitest';
import { ActivityWindow } from '../../src/lab/activity.ts';
import { type CpuState, hasDriver, parseRegisters, parseZeros } from '../../src/lab/probes.ts';

const waits: CpuState = { realMode: false, halted: true, interruptible: true, user: false, pageTable: '1000' };
const parked: CpuState = { ...waits, interruptible: false };
const spins: CpuState = { ...waits, halted: false, pageTable: '2000' };
const program: CpuState = { ...spins, user: true };
const sector: CpuState = { ...spins, realMode: true };

function activityOf(looks: CpuState[][]) {
  const window = new ActivityWindow();
  for (const look of looks) window.push(look);
  return window.activity;
}

const times = (count: number, ...cpus: CpuState[]) => Array.from({ length: count }, () => cpus);

test.each([
  ['nothing is said before there are enough looks', times(6, waits, waits), undefined],
  ['all wait for interrupts', times(7, waits, waits), 'idle'],
  ['a timer went off', [...times(3, waits, waits), [spins, waits], ...times(3, waits, waits)], 'idle'],
  ['a program runs now and then', [...times(5, waits, waits), ...times(2, program, waits)], 'busy'],
  ['after a panic one spins and the other is parked', times(7, spins, parked), 'stopped'],
  ['the only one spins', times(7, spins), 'stopped'],
  ['a kernel works while another processor waits', times(7, spins, waits), 'busy'],
  [
    'a kernel works in one memory and in another',
    [...times(4, spins), ...times(3, { ...spins, pageTable: '3' })],
    'busy',
  ],
  ['both are parked for ever', times(7, parked, parked), 'stopped'],
  ['the boot sector never left real mode', times(7, sector, parked), 'real-mode'],
])('%s', (_, looks, expected) => {
  expect(activityOf(looks)).toBe(expected);
});

test('only the last looks count, and a new silence begins anew', () => {
  const window = new ActivityWindow();
  for (const look of [...times(20, program), ...times(7, waits)]) window.push(look);
  expect(window.activity).toBe('idle');
  window.clear();
  expect(window.activity).toBeUndefined();
});

test('the registers of each processor are read off what QEMU prints', () => {
  const text =
    '\r\nCPU#0\r\nEAX=00000000 EBX=00000000\r\nEIP=0000b7b9 EFL=00000246 [---Z-P-] CPL=0 II=0 A20=1 SMM=0 HLT=1\r\n' +
    'CR0=00000010 CR2=00000000 CR3=00000000 CR4=00000000\r\n' +
    '\r\nCPU#1\r\nRIP=00007f2a RFL=00000046 [---Z-P-] CPL=3 II=0 A20=1 SMM=0 HLT=0\r\n' +
    'CR0=80050033 CR2=00007f CR3=0000000102aa0000 CR4=000006f0\r\n';
  expect(parseRegisters(text)).toEqual([
    { realMode: true, halted: true, interruptible: true, user: false, pageTable: '00000000' },
    { realMode: false, halted: false, interruptible: false, user: true, pageTable: '0000000102aa0000' },
  ]);
  expect(parseRegisters('unknown command')).toEqual([]);
});

test('a boot sector is empty when all of it was read and is zero', () => {
  expect(parseZeros('0000000000007c00: 0x00000000 0x00000000\r\n0000000000007c08: 0x00000000\r\n', 3)).toBe(true);
  expect(parseZeros('0000000000007c00: 0x00000000 0x00000001\r\n', 2)).toBe(false);
  expect(parseZeros('Cannot access memory', 3)).toBe(false);
});

test('a virtio device has a driver when its status says so', () => {
  expect(hasDriver({ statuses: ['VIRTIO_CONFIG_S_ACKNOWLEDGE: Valid virtio device found'] })).toBe(false);
  expect(hasDriver({ statuses: ['VIRTIO_CONFIG_S_DRIVER_OK: Driver setup and ready'] })).toBe(true);
});
