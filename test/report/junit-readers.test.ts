// The JUnit file as two readers understand it that know nothing of gvm.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'junit2json';
import { expect, test } from 'vitest';
import { renderJunit } from '../../src/report/index.ts';
import type { RunRecord } from '../../src/schema/index.ts';
import { exampleRun } from './example.ts';
import { hostileRuns } from './hostile.ts';

/** What a reader says of a report: suites, and of each case the kinds of its results. */
type Seen = { suite: string; cases: string[][] }[];

const SCRIPT = `
import json, sys
from junitparser import JUnitXml
def read(path):
    return [{'suite': s.name, 'cases': [[type(r).__name__.lower() for r in c.result] for c in s]} for s in JUnitXml.fromfile(path)]
print(json.dumps([read(path) for path in sys.argv[1:]]))
`;

/** junitparser, from Debian. */
function byJunitparser(reports: string[]): Seen[] {
  const folder = mkdtempSync(join(tmpdir(), 'gvm-junit-'));
  try {
    const files = reports.map((_, i) => join(folder, `${i}.xml`));
    for (const [i, file] of files.entries()) writeFileSync(file, reports[i] ?? '');
    return JSON.parse(execFileSync('/usr/bin/python3', ['-c', SCRIPT, ...files], { encoding: 'utf8' }));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** junit2json, from npm. */
async function byJunit2json(report: string): Promise<Seen> {
  const read = await parse(report);
  const suites = read && 'testsuite' in read ? (read.testsuite ?? []) : [];
  return suites.map((suite) => ({
    suite: suite.name ?? '',
    cases: (suite.testcase ?? []).map((one) =>
      (['skipped', 'error', 'failure'] as const).filter((kind) => (one[kind]?.length ?? 0) > 0),
    ),
  }));
}

test('two independent readers see the same suites, cases and results as the run has', async () => {
  const report = renderJunit(exampleRun());
  const [python] = byJunitparser([report]);
  expect(python).toEqual([
    { suite: 'boot', cases: [[], ['failure'], ['skipped'], ['error'], ['error'], ['error']] },
    { suite: 'guests', cases: [[], ['failure']] },
    { suite: 'run', cases: [['error']] },
  ]);
  expect(await byJunit2json(report)).toEqual(python);
});

test('they agree on hostile runs too', async () => {
  const reports = hostileRuns(40).map((run: RunRecord) => renderJunit(run));
  const kinds = (seen: Seen) => seen.map(({ cases }) => cases);
  const expected = [
    [['failure'], ['error'], ['skipped'], ['skipped'], ['error']],
    [['error'], ['failure']],
    [['error']],
  ];
  for (const seen of byJunitparser(reports)) expect(kinds(seen)).toEqual(expected);
  for (const report of reports) expect(kinds(await byJunit2json(report))).toEqual(expected);
});
