import { expect, test } from 'vitest';
import { mergeRuns, renderJson } from '../../src/report/index.ts';
import { runSchema } from '../../src/schema/index.ts';
import { exampleRun, guestRecord, testRecord } from './example.ts';

const shard = (id: string, names: string[], more: Parameters<typeof exampleRun>[0] = {}) =>
  exampleRun({
    id,
    errors: [],
    guests: [guestRecord({ console: 'console/boot-1.log' })],
    suites: [{ file: 's', name: 'boot', sha256: 'ab', tests: names.map((name) => testRecord(name)) }],
    exitCode: 0,
    ...more,
  });

test('shards become one run: suites joined, guests told apart, times spanned, counts and exit code made anew', () => {
  const late = { started: '2026-11-23T22:05:00.000Z', durationMs: 1000 };
  const failing = [{ file: 's', name: 'boot', sha256: 'ab', tests: [testRecord('c', { outcome: 'failed' })] }];
  const { run, doubled, files } = mergeRuns([
    shard('one', ['a', 'b']),
    shard('two', [], { ...late, suites: failing, exitCode: 1 }),
  ]);
  expect(run.suites.map(({ tests }) => tests.map(({ name, guest }) => [name, guest]))).toEqual([
    [
      ['a', 'boot-1'],
      ['b', 'boot-1'],
      ['c', 'boot-1@2'],
    ],
  ]);
  expect(run).toMatchObject({
    started: '2026-11-23T22:00:00.000Z',
    durationMs: 301_000,
    totals: { tests: 3, passed: 2, failed: 1 },
    exitCode: 1,
    parts: [
      { id: 'one', exitCode: 0 },
      { id: 'two', exitCode: 1 },
    ],
  });
  expect(files).toEqual([
    { guest: 'boot-1', part: 0, from: 'console/boot-1.log', to: 'console/boot-1.log' },
    { guest: 'boot-1@2', part: 1, from: 'console/boot-1.log', to: 'console/boot-1@2.log' },
  ]);
  expect(doubled).toEqual([]);
  expect(runSchema.parse(JSON.parse(renderJson(run)))).toEqual(run);
});

test('a test that two runs hold counts twice and is named; on two images it is two tests', () => {
  const { run, doubled } = mergeRuns([shard('one', ['a', 'b']), shard('two', ['b', 'c'])]);
  expect(doubled).toEqual(['boot > b on openrc']);
  expect(run.totals.tests).toBe(4);
  const other = { guests: [guestRecord({ name: 'x-1', image: { name: 'systemd', digest: 'y' } })] };
  const onOther = shard('two', [], {
    ...other,
    suites: [{ file: 's', name: 'boot', sha256: 'ab', tests: [testRecord('b', { guest: 'x-1' })] }],
  });
  expect(mergeRuns([shard('one', ['b']), onOther]).doubled).toEqual([]);
});

const tests = ['boot/setup', 'boot/a', 'boot/b', 'boot/c'];
const part = (index: number, names: string[], plan = 'ab') => {
  const prepared = testRecord('setup', { role: 'setup' });
  const own = [prepared, ...names.map((name) => testRecord(name))];
  return shard(`run-${index}`, [], {
    suites: [{ file: 's', name: 'boot', sha256: 'ab', tests: own }],
    shard: { index, total: 2, plan, tests },
  });
};

test('shards of one plan give the run that it would have been', () => {
  const { run, doubled } = mergeRuns([part(2, ['b']), part(1, ['a', 'c'])]);
  expect(run.suites[0]?.tests.map(({ name }) => name)).toEqual(['setup', 'a', 'b', 'c']);
  expect(run).toMatchObject({ exitCode: 0, errors: [] });
  expect(run.shard).toBeUndefined();
  expect(doubled).toEqual([]);
});

test('what no shard ran is named, and so is what two of them did', () => {
  const { run, doubled } = mergeRuns([part(1, ['a', 'c']), part(1, ['a', 'c'])]);
  expect(run.errors).toMatchObject([{ code: 'shard-missing', blame: 'host' }]);
  expect(run.errors[0]?.message).toBe('1 tests of the plan are in none of the shards: boot/b');
  expect(run.exitCode).toBe(4);
  expect(doubled).toEqual(['boot > a on openrc', 'boot > c on openrc']);
});

test('shards of different plans, and a run that is none, are refused', () => {
  const differ = (...runs: Parameters<typeof mergeRuns>[0]) => expect(() => mergeRuns(runs));
  differ(part(1, ['a']), part(2, ['b'], 'cd')).toThrow(
    'run run-2 is shard 2/2 of plan cd, run run-1 is shard 1/2 of plan ab',
  );
  differ(shard('whole', ['a']), part(2, ['b'])).toThrow('run whole is no shard, run run-2 is shard 2/2 of plan ab');
});

test('a suite that was changed between the runs stays apart; an interruption and errors stay', () => {
  const { run } = mergeRuns([
    shard('one', ['a']),
    shard('two', ['b'], {
      interrupted: 'SIGTERM',
      exitCode: 143,
      errors: [{ code: 'x', message: 'y', blame: 'host' }],
      suites: [{ file: 's', name: 'boot', sha256: 'cd', tests: [testRecord('b')] }],
    }),
  ]);
  expect(run.suites).toHaveLength(2);
  expect(run).toMatchObject({ interrupted: 'SIGTERM', exitCode: 143, errors: [{ code: 'x' }] });
});

test('names out of a file lead nowhere else', () => {
  const evil = [guestRecord({ name: '../../evil', console: '../../../etc/passwd' })];
  expect(mergeRuns([shard('one', [], { guests: evil })]).files[0]?.to).toBe('console/______evil.log');
});
