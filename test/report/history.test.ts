import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lastFailed, openRecords, renderJunit, renderSummary, withHistory } from '../../src/report/index.ts';
import type { Outcome, RunRecord } from '../../src/schema/index.ts';
import { exampleRun, guestRecord, testRecord } from './example.ts';

/** A run of the tests a, b, … with these outcomes, on the given day. */
function run(day: number, outcomes: Outcome[], more: Partial<RunRecord> = {}): RunRecord {
  const tests = outcomes.map((outcome, i) => testRecord('abc'[i] ?? '', { outcome }));
  return exampleRun({
    id: `run-${day}`,
    started: `2026-11-${String(day).padStart(2, '0')}T10:00:00.000Z`,
    guests: [guestRecord()],
    errors: [],
    suites: [{ file: 's', name: 'boot', sha256: 'ab', tests }],
    exitCode: outcomes.every((outcome) => outcome === 'passed') ? 0 : 1,
    ...more,
  });
}

const histories = (record: RunRecord) =>
  record.suites.flatMap((suite) => suite.tests.map((t) => t.history && `${t.history.status} ${t.history.since.id}`));

test('a failure that passed before is new, one that failed before is known since its first run', () => {
  const earlier = [
    run(4, ['passed', 'error', 'skipped']),
    run(3, ['passed', 'failed', 'failed']),
    run(2, ['failed', 'passed', 'passed']),
  ];
  expect(histories(withHistory(run(5, ['failed', 'timeout', 'failed']), earlier))).toEqual([
    'new run-4',
    'known run-3',
    'known run-3',
  ]);
  expect(histories(withHistory(run(5, ['passed', 'failed']), []))).toEqual([undefined, undefined]);
  expect(histories(withHistory(run(5, ['failed']), [run(4, ['failed']), run(3, ['failed'])]))).toEqual(['known run-3']);
});

test('a test of another image is another test', () => {
  const other = { guests: [guestRecord({ image: { name: 'systemd', digest: 'x' } })] };
  expect(histories(withHistory(run(5, ['failed']), [run(4, ['passed'], other), run(3, ['failed'])]))).toEqual([
    'known run-3',
  ]);
});

test('what a powered-off disk answers is another test than what its guest does', () => {
  const earlier = [run(4, ['passed'], { disks: [] }), run(3, ['failed'])];
  expect(histories(withHistory(run(5, ['failed']), earlier))).toEqual(['known run-3']);
  expect(histories(withHistory(run(5, ['failed'], { disks: [] }), earlier))).toEqual(['new run-4']);
});

test('what is different since the last good run is named: gvm, QEMU, image, kernel, suite, packages', () => {
  const packages = { bash: '5.2', openssl: '3.0.1', gone: '1' };
  const good = run(3, ['passed'], {
    guests: [guestRecord({ kernel: '6.1', image: { name: 'openrc', digest: 'd1', packages } })],
  });
  const now = run(5, ['failed'], {
    gvm: '0.2.0',
    qemu: { version: '9.0', path: '/usr/bin/q' },
    guests: [
      guestRecord({
        kernel: '6.6',
        image: { name: 'openrc', digest: 'd2', packages: { bash: '5.2', openssl: '3.0.2', fresh: '2' } },
      }),
    ],
  });
  const { history } = withHistory(now, [run(4, ['failed']), good]);
  expect(history?.good.id).toBe('run-3');
  expect(history?.changes.map(({ what, before, now }) => `${what}: ${before} > ${now}`)).toEqual([
    'gvm: 0.1.0 > 0.2.0',
    'QEMU: 7.2.15 > 9.0',
    'image openrc: d1 > d2',
    'kernel of openrc: 6.1 > 6.6',
    'package openssl of openrc: 3.0.1 > 3.0.2',
    'package gone of openrc: 1 > absent',
    'package fresh of openrc: absent > 2',
  ]);
  const record = withHistory(now, [good]);
  expect(renderSummary(record, { color: false, tests: false, reports: [] })).toContain(
    'openssl of openrc: 3.0.1 -> 3.0.2',
  );
  expect(renderJunit(record)).toContain('new failure: it passed in run run-3 of 2026-11-03 10:00 UTC');
});

test('what its machine was given is different too, but not where only some of the guests ran again', () => {
  const guests = (...machines: Record<string, unknown>[]) => ({
    guests: machines.map((machine) =>
      guestRecord({ machine: { memory: 2 ** 30, append: '', accel: 'auto', ...machine } }),
    ),
  });
  const changes = (before: Partial<RunRecord>, now: Partial<RunRecord>) =>
    withHistory(run(5, ['failed'], now), [run(3, ['passed'], before)]).history?.changes.map(
      ({ what, before: a, now: b }) => `${what}: ${a} > ${b}`,
    );
  expect(changes(guests({}), guests({ append: 'init=/x', accel: 'tcg' }))).toEqual([
    'machine append of openrc: none > init=/x',
  ]);
  expect(changes(guests({}, { memory: 2 ** 29 }), guests({ memory: 2 ** 28 }))).toEqual([
    'machine memory of openrc: 1G, 512M > 256M',
  ]);
  expect(changes(guests({}, { memory: 2 ** 29 }), guests({}))).toEqual([]);
  const kernelGiven = { source: '/boot/vmlinuz', digest: 'abcdef0123456789' };
  expect(changes({ guests: [guestRecord()] }, { guests: [guestRecord({ kernelGiven })] })).toEqual([
    'machine kernel of openrc: its own > /boot/vmlinuz abcdef012345',
  ]);
  // Of the cells of a matrix only the one that brings no kernel ran again.
  const both = { guests: [guestRecord(), guestRecord({ name: 'b', kernelGiven })] };
  expect(changes(both, { guests: [guestRecord()] })).toEqual([]);
});

test('of many projects those that ran last are remembered', async () => {
  for (let i = 0; i < 53; i++) await openRecords(home, `/project-${i}`).add(run(1, ['passed']));
  expect(readdirSync(join(home, 'records'))).toHaveLength(50);
  expect(await openRecords(home, '/project-52').list()).toHaveLength(1);
});

test('the last failed tests', () => {
  expect([...lastFailed(run(1, ['failed', 'passed', 'error']))]).toEqual(['boot/a', 'boot/c']);
});

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'gvm-records-'));
});
afterEach(() => rmSync(home, { recursive: true }));

test('twenty runs are kept, the last good one beyond them, newest first, without output', async () => {
  const records = openRecords(home, '/project');
  await records.add(run(1, ['passed']));
  await records.add(run(2, ['passed']));
  for (let day = 3; day <= 27; day++) await records.add(run(day, ['failed']));
  const kept = await records.list();
  expect(kept.map(({ id }) => id)).toEqual([...Array.from({ length: 20 }, (_, i) => `run-${27 - i}`), 'run-2']);
  expect(kept[0]?.guests[0]?.argv).toEqual([]);
  expect(await openRecords(home, '/another').list()).toEqual([]);
  const [folder = ''] = readdirSync(join(home, 'records'));
  writeFileSync(join(home, 'records', folder, '20991231000000000-good-x.json'), '{"version": 2}');
  expect((await records.list())[0]?.id).toBe('run-27');
});
