import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunRecord, runSchema } from '../../src/schema/index.ts';
import { type Finished, gvm, project, repository, survivors } from './gvm.ts';

// One guest in each cell, for a suite of data and one of code.
const settings = `image: openrc
matrix:
  firmware: [uefi, bios]
  cpus: [1, 2]
  exclude: [{ firmware: uefi, cpus: 2 }, { firmware: bios, cpus: 1 }]
`;
const suite = `suite: cells
isolation: shared
tests:
  - name: knows its firmware
    command: { run: "if [ -d /sys/firmware/efi ]; then echo uefi; elif grep -q BOOT_IMAGE= /proc/cmdline; then echo bios; fi" }
  - name: has two processors
    command: { run: "nproc", stdout: "2" }
`;

const script = `import { expect, suite, test } from 'gvm-test/test';

suite({ suite: 'code', isolation: 'shared' });

test('enters the guest of its cell', async ({ guest }) => {
  const { stdout } = await guest.exec('nproc');
  expect(stdout).toBe('2\\n');
});
`;

let at: ReturnType<typeof project>;
let result: Finished;
let record: RunRecord;

beforeAll(async () => {
  at = project({ 'gvm.yaml': settings, 'suites/cells.gvm.yaml': suite, 'suites/code.gvm.ts': script });
  mkdirSync(join(at.folder, 'node_modules'));
  symlinkSync(repository, join(at.folder, 'node_modules/gvm-test'));
  result = await gvm(['test', '-j', '2'], { cwd: at.folder });
  record = runSchema.parse(JSON.parse(readFileSync(join(at.folder, 'reports/run.json'), 'utf8')));
});
afterAll(() => at.remove());

test('every cell has a guest of its own and a verdict in the record', () => {
  expect(result.code, result.stderr).toBe(1);
  expect(record.suites.map(({ name, cell, tests }) => [name, cell?.values, tests.map((t) => t.outcome)])).toEqual([
    ['cells [uefi, 1 CPUs]', { firmware: 'uefi', cpus: '1' }, ['passed', 'failed']],
    ['cells [bios, 2 CPUs]', { firmware: 'bios', cpus: '2' }, ['passed', 'passed']],
    ['code [uefi, 1 CPUs]', { firmware: 'uefi', cpus: '1' }, ['failed']],
    ['code [bios, 2 CPUs]', { firmware: 'bios', cpus: '2' }, ['passed']],
  ]);
  const output = record.suites.slice(0, 2).map(({ tests }) => tests[0]?.commands[0]?.stdout.trim());
  expect(output).toEqual(['uefi', 'bios']);
  expect(record.guests.map(({ cell, machine, boot }) => [cell, machine.firmware, boot.outcome]).sort()).toEqual([
    ['bios, 2 CPUs', 'bios', 'ready'],
    ['uefi, 1 CPUs', 'uefi', 'ready'],
  ]);
});

test('the terminal shows them in one table', () => {
  expect(result.stdout).toMatch(/^ +cell +cells +code +kernel +ready after$/m);
  expect(result.stdout).toMatch(/^ +uefi, 1 CPUs +1 of 2 failed +1 failed +6\.\S+ +\d/m);
  expect(result.stdout).toMatch(/^ +bios, 2 CPUs +2 passed +1 passed +6\.\S+ +\d/m);
});

test('JUnit has a test suite for each cell', () => {
  const junit = readFileSync(join(at.folder, 'reports/junit.xml'), 'utf8');
  expect([...junit.matchAll(/<testsuite name="(cells[^"]*)"/g)].map((m) => m[1])).toEqual([
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
