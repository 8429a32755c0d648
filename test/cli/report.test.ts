import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { exampleRun, testRecord } from '../report/example.ts';

const cli = new URL('../../dist/cli.js', import.meta.url).pathname;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gvm-report-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const gvm = (...args: string[]) =>
  promisify(execFile)(process.execPath, [cli, ...args], { cwd: folder, env: { ...process.env, DISPLAY: '' } }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
  );

function report(name: string, id: string, tests: string[]): void {
  const suites = [{ file: 's', name: 'boot', sha256: '', tests: tests.map((test) => testRecord(test)) }];
  const guests = exampleRun().guests.map((guest) => ({ ...guest, health: [], console: 'console/boot-1.log' }));
  mkdirSync(join(folder, name, 'console'), { recursive: true });
  writeFileSync(join(folder, name, 'console/boot-1.log'), `console of ${name}`);
  const run = exampleRun({ id, suites, guests, errors: [], exitCode: 0 });
  writeFileSync(join(folder, name, 'run.json'), JSON.stringify(run));
}

test('show makes the page and says where it is', async () => {
  report('reports', 'one', ['a']);
  const { code, stdout } = await gvm('report', 'show', '--json');
  const path = join(folder, 'reports/report.html');
  expect({ code, value: JSON.parse(stdout) }).toMatchObject({ code: 0, value: { path, run: 'one', exitCode: 0 } });
  expect(readFileSync(path, 'utf8')).toContain('console of reports');
  expect(await gvm('report', 'show', 'reports')).toMatchObject({ code: 0, stdout: `${path}\n` });
});

test('merge joins runs with their consoles and names what is doubled', async () => {
  report('a', 'one', ['x', 'y']);
  report('b', 'two', ['y', 'z']);
  const { code, stdout, stderr } = await gvm('report', 'merge', 'a', 'b', '--reporter', 'html,tap');
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: 'warning: more than one run holds the test boot > y on openrc; all of them count\n',
  });
  expect(stdout).toContain('4 passed');
  for (const file of ['run.json', 'junit.xml', 'results.tap', 'report.html'])
    expect(existsSync(join(folder, 'reports', file)), file).toBe(true);
  expect(readFileSync(join(folder, 'reports/console/boot-1@2.log'), 'utf8')).toBe('console of b');
  expect(readFileSync(join(folder, 'reports/report.html'), 'utf8')).toContain('console of b');
});

test.each([
  [['report', 'shwo'], 'unknown action shwo', 'did you mean gvm report show?'],
  [['report', 'show'], 'it holds no run.json', 'gvm test writes one'],
  [['report', 'merge'], 'merge takes the folders of the runs', 'gvm report merge shard-1 shard-2'],
  [['report', 'merge', 'reports'], 'reports is one of the folders to merge', '--output'],
])('%j is refused with what to do', async (args, message, hint) => {
  const { code, stderr } = await gvm(...args);
  expect(code).toBe(2);
  expect(stderr).toContain(message);
  expect(stderr).toContain(hint);
});

test('a run.json that is none of ours is named with the place that is wrong', async () => {
  mkdirSync(join(folder, 'reports'));
  writeFileSync(join(folder, 'reports/run.json'), JSON.stringify({ ...exampleRun(), suites: 1 }));
  const { code, stderr } = await gvm('report', 'show');
  expect(code).toBe(2);
  expect(stderr).toContain('run.json: suites: ');
});
