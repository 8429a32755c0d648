import { Parser } from 'tap-parser';
import { expect, test } from 'vitest';
import { renderTap } from '../../src/report/tap.ts';
import { exampleRun, testRecord } from './example.ts';
import { hostileRuns } from './hostile.ts';

const fixture = (name: string) => new URL(`../fixtures/report/${name}`, import.meta.url).pathname;

/** What an independent reader finds: results by group, and what it takes for no TAP at all. */
function read(text: string) {
  const stray: string[] = [];
  const groups: {
    name: string;
    results: { ok: boolean; skip: unknown; todo: unknown; name: string; diag: unknown }[];
  }[] = [];
  const parser = new Parser({ strict: true });
  parser.on('extra', (line: string) => stray.push(line));
  parser.on('child', (child: Parser) => {
    const group: (typeof groups)[number] = { name: child.name, results: [] };
    groups.push(group);
    child.on('extra', (line: string) => stray.push(line));
    child.on('assert', ({ ok, skip, todo, name, diag }) => group.results.push({ ok, skip, todo, name, diag }));
  });
  parser.end(text);
  return { ok: parser.ok, bailed: parser.bailedOut, groups, stray, failures: parser.failures };
}

test('a run is the expected TAP document', async () => {
  await expect(renderTap(exampleRun())).toMatchFileSnapshot(fixture('results.tap'));
});

test('an independent reader finds the same in it', () => {
  const { ok, groups, stray } = read(renderTap(exampleRun()));
  expect(stray).toEqual([]);
  expect(ok).toBe(false);
  expect(groups.map(({ name, results }) => [name, results.filter((r) => r.ok).length, results.length])).toEqual([
    ['boot', 2, 6],
    ['guests', 1, 2],
    ['run', 0, 1],
  ]);
  const [first, second, third] = groups[0]?.results ?? [];
  expect(first).toMatchObject({ ok: true, name: 'reaches the default runlevel' });
  expect(second?.diag).toMatchObject({ outcome: 'failed', at: 'suites/boot/boot.gvm.yaml:9:3' });
  expect(third).toMatchObject({ skip: 'waits for <hardware> & "time"' });
});

test('expected failures do not fail the document, unexpected passes do; an interrupted run bails out', () => {
  const only = (more: Parameters<typeof testRecord>[1]) =>
    exampleRun({
      guests: [],
      errors: [],
      suites: [{ file: 's', name: 's', sha256: '', tests: [testRecord('one', more)] }],
    });
  expect(read(renderTap(only({ outcome: 'xfailed', reason: 'TRACK-1' })))).toMatchObject({
    ok: true,
    groups: [{ results: [{ ok: false, todo: 'TRACK-1' }] }],
  });
  expect(read(renderTap(only({ outcome: 'xpassed' }))).ok).toBe(false);
  expect(read(renderTap(only({ outcome: 'flaky' }))).ok).toBe(true);
  expect(read(renderTap({ ...only({}), interrupted: 'SIGINT' })).bailed).toBeTruthy();
});

test('no text of a guest or a suite forges a result or a directive', () => {
  for (const run of hostileRuns(60)) {
    const { groups, stray, bailed } = read(renderTap(run));
    expect(stray).toEqual([]);
    expect(bailed).toBe(false);
    expect(groups.map(({ results }) => results.map((r) => [r.ok, Boolean(r.skip), Boolean(r.todo)]))).toEqual([
      [
        [false, false, false],
        [false, false, false],
        [true, true, false],
        [true, true, false],
        [false, false, false],
      ],
      [
        [false, false, false],
        [false, false, false],
      ],
      [[false, false, false]],
    ]);
  }
});
