import { expect, test } from 'vitest';
import type { RunRecord } from '../../src/schema/index.ts';
import { gvm, project, survivors } from '../e2e/gvm.ts';

const sysrq = 'echo 1 > /proc/sys/kernel/sysrq; echo c > /proc/sysrq-trigger; sleep 100';
const suite = `suite: fates
tests:
  - { name: passes, command: { run: "true" } }
  - { name: loses its guest, command: { run: "${sysrq}" } }
  - { name: comes after it, command: { run: "true" } }
`;

async function run(args: string[]): Promise<RunRecord> {
  const { folder, remove } = project({ 's.gvm.yaml': suite });
  try {
    const { stdout, stderr } = await gvm(['test', 's.gvm.yaml', '--json', ...args], { cwd: folder });
    if (stdout === '') throw new Error(stderr);
    return JSON.parse(stdout);
  } finally {
    remove();
  }
}

const outcomes = (record: RunRecord) => record.suites.map((s) => s.tests.map((t) => t.outcome));

test('a guest that was lost stays lost without a retry', async () => {
  const record = await run([]);
  expect(outcomes(record)).toEqual([['passed', 'error', 'error']]);
  expect(record.guests).toHaveLength(1);
});

test('a retry boots another guest in the place of one that was lost', async () => {
  const record = await run(['--retries', '1']);
  expect(outcomes(record)).toEqual([['passed', 'error', 'flaky']]);
  const [lost, , after] = record.suites[0]?.tests ?? [];
  expect(lost?.guest).not.toBe(after?.guest);
  expect(record.guests.map((guest) => guest.replaced ?? false)).toEqual([true, true, false]);
  expect(record.exitCode).toBe(3);
});

test('--bail begins no more tests after the first that went wrong', async () => {
  const record = await run(['--bail', '1', '-t', 'loses|comes']);
  expect(outcomes(record)).toEqual([['error', 'skipped']]);
  expect(record.suites[0]?.tests[1]?.reason).toBe('enough tests had failed (--bail)');
});

test('--repeat runs a suite several times, each in a guest of its own', async () => {
  const record = await run(['--repeat', '3', '-t', 'passes', '-j', '2']);
  expect(outcomes(record)).toEqual([['passed'], ['passed'], ['passed']]);
  expect(new Set(record.suites.map((s) => s.tests[0]?.guest)).size).toBe(3);
  expect(record.exitCode).toBe(0);
  expect(await survivors()).toEqual([]);
});
