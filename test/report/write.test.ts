import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { chooseReporters, renderJson, writeReports } from '../../src/report/index.ts';
import { rerunCommand } from '../../src/report/rerun.ts';
import { runSchema } from '../../src/schema/index.ts';
import { exampleRun, testRecord } from './example.ts';

const options = { reporters: chooseReporters(undefined), stepSummary: undefined, print: () => {} };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gvm-report-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const secret = 'hunter2"<&>\\';

test('the reports stand whole under their names, nothing beside them, without secrets', async () => {
  const test = testRecord(secret, {
    outcome: 'failed',
    commands: [{ run: `login ${secret}`, exitCode: 1, durationMs: 1, stdout: secret, stderr: '' }],
  });
  const run = exampleRun({
    environment: { [secret]: secret },
    suites: [{ file: 's', name: 'boot', sha256: '', tests: [test] }],
  });
  const target = join(folder, 'a', 'b');
  await writeReports(run, { ...options, folder: target, secrets: [] });
  const paths = await writeReports(run, { ...options, folder: target, secrets: [secret] });
  expect(paths).toEqual([join(target, 'run.json'), join(target, 'junit.xml')]);
  expect(readdirSync(target).sort()).toEqual(['junit.xml', 'run.json']);
  for (const path of paths) {
    const text = readFileSync(path, 'utf8');
    expect(text).not.toContain('hunter2');
    expect(text).toContain('[masked]');
  }
  expect(runSchema.parse(JSON.parse(readFileSync(join(target, 'run.json'), 'utf8'))).suites[0]?.tests[0]?.name).toBe(
    '[masked]',
  );
});

test('annotations go to standard output, the summary is added where the runner wants it', async () => {
  const stepSummary = join(folder, 'summary');
  writeFileSync(stepSummary, 'before\n');
  const printed: string[] = [];
  const github = { ...options, reporters: chooseReporters('github,tap'), print: (text: string) => printed.push(text) };
  const paths = await writeReports(exampleRun(), { ...github, folder, secrets: ['no such thing'], stepSummary });
  expect(paths.map((path) => path.slice(folder.length + 1))).toEqual(['run.json', 'junit.xml', 'results.tap']);
  expect(printed.join('')).toMatch(/^::error /);
  expect(printed.join('')).toContain('[masked]');
  expect(readFileSync(stepSummary, 'utf8')).toMatch(/^before\n## gvm: exit code 1\n/);
  await writeReports(exampleRun(), { ...github, folder, secrets: [], stepSummary: undefined });
});

test('a folder that cannot be made is an error, and leaves nothing', async () => {
  writeFileSync(join(folder, 'file'), '');
  await expect(
    writeReports(exampleRun(), { ...options, folder: join(folder, 'file'), secrets: [] }),
  ).rejects.toMatchObject({
    code: 'EEXIST',
  });
  expect(readdirSync(folder)).toEqual(['file']);
});

test('run.json holds what the schema knows; a record that does not fit it says so', () => {
  const read = (run: object) => JSON.parse(renderJson(run as ReturnType<typeof exampleRun>));
  expect(read(exampleRun())).toEqual(exampleRun());
  expect(read({ ...exampleRun(), unknown: 1 })).toEqual(exampleRun());
  expect(read({ ...exampleRun(), durationMs: -1 })).toMatchObject({
    durationMs: -1,
    errors: [
      { code: 'tool-failed' },
      { code: 'internal', message: expect.stringContaining('does not fit its own schema: durationMs: ') },
    ],
  });
});

test.each<[string[], string[], string | undefined]>([
  [['test'], [], undefined],
  [['test', 'suites', '--accel', 'tcg'], ['a'], "gvm test suites --accel tcg -t '^(boot > a)$'"],
  [
    ['test', '-t', 'x y', '--tests=z', '--tests', 'q', '-j', '2'],
    ['a.b', "it's"],
    `gvm test -j 2 -t '^(boot > a\\.b|boot > it'\\''s)$'`,
  ],
])('the command that runs the failed tests of %j again', (args, names, expected) => {
  const tests = [testRecord('fine'), ...names.map((name) => testRecord(name, { outcome: 'failed' }))];
  const command = rerunCommand({ args, suites: [{ file: 's', name: 'boot', sha256: '', tests }] });
  expect(command).toBe(expected);
});
