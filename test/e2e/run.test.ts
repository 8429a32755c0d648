import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { validateXML } from 'xmllint-wasm';
import { runSchema } from '../../src/schema/index.ts';
import { type Finished, gvm, project, repository, survivors } from './gvm.ts';

const suite = `suite: wrong
tests:
  - name: holds
    file: { path: /etc/passwd, exists: true }
  - name: does not hold
    file: { path: /etc/passwd, mode: "0600" }
    user: { name: root, uid: 0 }
  - name: nasty ]]> & <name>
    command: { run: "printf '\\\\033[31m]]>\\\\000\\\\033[0m' >&2; exit 3" }
  - name: tells a secret
    command:
      run: |
        echo planted-secret >/dev/kmsg; echo planted-secret; printf planted-secret | base64; exit 1
  - name: holds at the second look
    command: { run: "test -e /run/looked || { touch /run/looked; echo not yet; exit 1; }" }
  - name: is left out
    skip: for another day
    command: { run: "true" }
`;

let at: ReturnType<typeof project>;
let result: Finished;

beforeAll(async () => {
  at = project({ 'suites/wrong.gvm.yaml': suite });
  const env = { SOME_TOKEN: 'planted-secret', GITHUB_STEP_SUMMARY: join(at.folder, 'summary.md') };
  result = await gvm(['test', '--retries', '1', '--reporter', 'html,tap,github'], { cwd: at.folder, env });
});
afterAll(() => at.remove());

const report = (name: string) => readFileSync(join(at.folder, 'reports', name), 'utf8');

test('a wrong expectation exits 1 and shows its line', () => {
  expect(result.code, result.stderr).toBe(1);
  expect(result.stdout, result.stderr).toContain('suites/wrong.gvm.yaml:6:');
  expect(result.stdout).toMatch(/❯ 6 │ +file: \{ path: \/etc\/passwd, mode: "0600" \}/);
  expect(result.stdout).toMatch(/expected +"0600"/);
  expect(result.stdout).toMatch(/actual +"0644"/);
});

test('what the guest said cannot reach the terminal raw', () => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be left
  expect(result.stdout).not.toMatch(/[\u0000-\u0008\u000b-\u001f]/);
});

test('the JUnit file is valid and says the same', async () => {
  const junit = report('junit.xml');
  const schema = readFileSync(join(repository, 'test/fixtures/junit.xsd'), 'utf8');
  const { errors } = await validateXML({
    xml: [{ fileName: 'junit.xml', contents: junit }],
    schema: [{ fileName: 'junit.xsd', contents: schema }],
  });
  expect(errors).toEqual([]);
  expect(junit).toContain('suites/wrong.gvm.yaml:6:');
  expect(junit.match(/<failure/g)).toHaveLength(3);
  expect(junit.match(/<rerunFailure/g)).toHaveLength(3);
  expect(junit.match(/<flakyFailure message="command .*: exit: expected 0, found 1; it said: not yet"/g)).toHaveLength(
    1,
  );
  expect(junit).toContain('for another day');
});

test('run.json fits its schema and tells how the run was made', () => {
  const record = runSchema.parse(JSON.parse(report('run.json')));
  const outcomes = record.suites[0]?.tests.map((t) => [t.outcome, t.retries]);
  const failed = ['failed', 1];
  expect(outcomes).toEqual([['passed', 0], failed, failed, failed, ['flaky', 1], ['skipped', 0]]);
  expect(record.exitCode).toBe(1);
  const [guest] = record.guests;
  expect(guest).toMatchObject({ image: { name: 'openrc' }, boot: { outcome: 'ready' }, health: [] });
  expect(guest?.argv.join(' ')).toContain('-sandbox');
  expect(guest?.kernel).toMatch(/^6\./);
  expect(readFileSync(join(at.folder, 'reports', guest?.console ?? ''), 'utf8')).toContain('Linux version');
});

test('every report that was asked for is there, and a secret of the environment is in none of them', () => {
  const files = readdirSync(join(at.folder, 'reports'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  expect(files.map((file) => file.slice(at.folder.length + 1)).sort()).toEqual([
    'reports/console/wrong-1.log',
    'reports/junit.xml',
    'reports/report.html',
    'reports/results.tap',
    'reports/run.json',
  ]);
  const texts = [...files, join(at.folder, 'summary.md')].map((file) => readFileSync(file, 'utf8'));
  expect(result.stdout).toContain('::error file=suites/wrong.gvm.yaml,line=6,');
  for (const text of [...texts, result.stdout, result.stderr]) {
    expect(text).not.toContain('planted');
    expect(text).not.toContain('cGxhbnRlZC1zZWNyZXQ');
  }
  expect(texts[0]).toContain('[masked]');
});

test('--last-failed selects what failed', async () => {
  const { stdout } = await gvm(['test', '--last-failed', '--list', '--json'], { cwd: at.folder });
  expect(JSON.parse(stdout)[0].tests.map((t: { name: string }) => t.name)).toEqual([
    'does not hold',
    'nasty ]]> & <name>',
    'tells a secret',
  ]);
});

test('nothing of the run is left', async () => {
  expect(await survivors()).toEqual([]);
});

test('a guest that cannot find its root exits 3, names the cause in every test, and is kept', async () => {
  const cwd = at.folder;
  const dead = await gvm(['test', '--append', 'root=LABEL=nowhere gvm.scale=1', '--output', 'dead'], { cwd });
  expect(dead.code, dead.stderr).toBe(3);
  expect(dead.stdout).toContain('LABEL=nowhere not found');
  const record = runSchema.parse(JSON.parse(readFileSync(join(cwd, 'dead/run.json'), 'utf8')));
  expect(record.guests[0]?.boot).toMatchObject({
    outcome: 'failed',
    stage: 'initrd',
    cause: 'root-missing',
    blame: 'guest',
  });
  expect(record.guests[0]?.kept).toMatch(/^gvm boot /);
  expect(record.suites[0]?.tests.map((t) => t.outcome)).toEqual([...Array(5).fill('error'), 'skipped']);
});
