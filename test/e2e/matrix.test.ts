import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunRecord, runSchema } from '../../src/schema/index.ts';
import { type Finished, gvm, project, survivors } from './gvm.ts';

const suite = `suite: cells
image: openrc
matrix:
  firmware: [direct, uefi, bios]
  cpus: [1, 2]
  exclude: [{ firmware: direct, cpus: 1 }, { firmware: uefi, cpus: 2 }, { firmware: bios, cpus: 1 }]
tests:
  - name: knows its firmware
    command: { run: "if [ -d /sys/firmware/efi ]; then echo uefi; elif grep -q BOOT_IMAGE= /proc/cmdline; then echo bios; else echo direct; fi" }
  - name: has two processors
    command: { run: "nproc", stdout: "2" }
`;

let at: ReturnType<typeof project>;
let result: Finished;
let record: RunRecord;

beforeAll(async () => {
  at = project({ 'suites/cells.gvm.yaml': suite });
  result = await gvm(['test', '-j', '2'], { cwd: at.folder });
  record = runSchema.parse(JSON.parse(readFileSync(join(at.folder, 'reports/run.json'), 'utf8')));
});
afterAll(() => at.remove());

test('every cell has a guest of its own and a verdict in the record', () => {
  expect(result.code, result.stderr).toBe(1);
  expect(record.suites.map(({ name, cell, tests }) => [name, cell?.values, tests.map((t) => t.outcome)])).toEqual([
    ['cells [direct, 2 CPUs]', { firmware: 'direct', cpus: '2' }, ['passed', 'passed']],
    ['cells [uefi, 1 CPUs]', { firmware: 'uefi', cpus: '1' }, ['passed', 'failed']],
    ['cells [bios, 2 CPUs]', { firmware: 'bios', cpus: '2' }, ['passed', 'passed']],
  ]);
  const output = record.suites.map(({ tests }) => tests[0]?.commands[0]?.stdout.trim());
  expect(output).toEqual(['direct', 'uefi', 'bios']);
  expect(record.guests.map(({ cell, machine, boot }) => [cell, machine.firmware, boot.outcome]).sort()).toEqual([
    ['bios, 2 CPUs', 'bios', 'ready'],
    ['direct, 2 CPUs', 'direct', 'ready'],
    ['uefi, 1 CPUs', 'uefi', 'ready'],
  ]);
});

test('the terminal shows them in one table', () => {
  expect(result.stdout).toMatch(/^ +cell +cells +kernel +ready after$/m);
  expect(result.stdout).toMatch(/^ +direct, 2 CPUs +2 passed +6\.\S+ +\d/m);
  expect(result.stdout).toMatch(/^ +uefi, 1 CPUs +1 of 2 failed +6\.\S+ +\d/m);
  expect(result.stdout).toMatch(/^ +bios, 2 CPUs +2 passed +6\.\S+ +\d/m);
});

test('JUnit has a test suite for each cell', () => {
  const junit = readFileSync(join(at.folder, 'reports/junit.xml'), 'utf8');
  expect([...junit.matchAll(/<testsuite name="(cells[^"]*)"/g)].map((m) => m[1])).toEqual([
    'cells [direct, 2 CPUs]',
    'cells [uefi, 1 CPUs]',
    'cells [bios, 2 CPUs]',
  ]);
});

test('nothing of the run is left', async () => {
  expect(await survivors()).toEqual([]);
});

test('a cell can be chosen by its name, and the plan shows each with its command line', async () => {
  const { code, stdout } = await gvm(['test', '--dry-run', '-t', 'uefi, 1 CPUs.* > has two'], { cwd: at.folder });
  expect(code).toBe(0);
  expect(stdout).toContain('1 tests in 1 suites');
  expect(stdout).toMatch(/# .*cells\.gvm\.yaml \[uefi, 1 CPUs\]\nqemu-system-x86_64/);
});
