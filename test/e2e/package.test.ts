import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runSchema } from '../../src/schema/index.ts';
import { project, repository } from './gvm.ts';

const run = promisify(execFile);
const suite = `suite: packed
isolation: shared
tests:
  - name: boots from an installed package
    kernel: { arch: x86_64, taint: 0 }
    hostname: { name: { starts: packed } }
`;
const script = `import { expect, suite, test } from 'gvm-test/test';

suite({ suite: 'packed-code', isolation: 'shared' });

test('enters the guest', { tags: ['fast'] }, async ({ guest }) => {
  const kernel = await guest.fact('kernel');
  expect(kernel.release).toMeet({ semver: '>=6.1 <7' });
  await expect(guest).toHold({ user: { name: 'root', uid: 0 }, hostname: { name: { starts: 'packed' } } });
});

test('fails at its line', async ({ guest }) => {
  const { stdout }: { stdout: string } = await guest.exec('id -un');
  expect(stdout).toBe('nobody');
});
`;

let at: ReturnType<typeof project>;
let folder: string;

beforeAll(async () => {
  at = project({
    'package.json': JSON.stringify({ name: 'monorepo', private: true }),
    'tools/vm/package.json': JSON.stringify({ name: 'vm', private: true }),
    'tools/vm/gvm.yaml': 'plugins: [./hostname.mjs]\n',
    'tools/vm/hostname.mjs': readFileSync(join(repository, 'test/fixtures/plugin/hostname.mjs'), 'utf8'),
    'tools/vm/suites/packed.gvm.yaml': suite,
    'tools/vm/suites/code.gvm.ts': script,
  });
  folder = join(at.folder, 'tools/vm');
  mkdirSync(join(at.folder, 'tarball'));
  const { stdout } = await run('npm', ['pack', '--silent', '--pack-destination', join(at.folder, 'tarball')], {
    cwd: repository,
  });
  const tarball = join(at.folder, 'tarball', stdout.trim());
  await run('npm', ['install', '--silent', '--no-save', '--ignore-scripts', '--prefer-offline', tarball], {
    cwd: folder,
  });
});
afterAll(() => at.remove());

const gvm = (...args: string[]) =>
  run('npx', ['--no', 'gvm', ...args], { cwd: folder }).catch(
    (error: { code: number; stdout: string; stderr: string }) => error,
  );

test('the packed package runs a YAML and a TypeScript suite, and a plugin, in a subfolder of a monorepo', async () => {
  const { stdout, stderr } = await gvm('test');
  const record = runSchema.parse(JSON.parse(readFileSync(join(folder, 'reports/run.json'), 'utf8')));
  const tests = record.suites.flatMap((s) => s.tests);
  expect(
    tests.map(({ name, outcome }) => [name, outcome]),
    stdout + stderr,
  ).toEqual([
    ['enters the guest', 'passed'],
    ['fails at its line', 'failed'],
    ['boots from an installed package', 'passed'],
  ]);
  expect(record.exitCode).toBe(1);
  expect(record.guests).toHaveLength(1);
  const [failure] = tests[1]?.failures ?? [];
  const line = script.split('\n').findIndex((text) => text.includes("toBe('nobody')")) + 1;
  expect(failure).toMatchObject({ check: 'expect', position: { file: 'suites/code.gvm.ts', line } });
  expect(failure?.message).toContain("to be 'nobody'");
});

test('what is code is listed without a guest, selected, and refused where only data is wanted', async () => {
  const { stdout } = await gvm('test', '--list', '--tag', 'fast');
  expect(stdout).toContain('enters the guest');
  expect(stdout).not.toContain('fails at its line');
  expect(await gvm('test', '--data-only')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('plugins are code'),
  });
});

test('the schema of suites has what the plugin adds', async () => {
  const { stdout } = await gvm('schema', 'suite');
  expect(Object.keys(JSON.parse(stdout).$defs)).toContain('hostnameCheck');
});

test('a suite in TypeScript has types', async () => {
  const options = ['--noEmit', '--strict', '--module', 'nodenext', '--skipLibCheck', '--types', 'node'];
  const tsc = join(repository, 'node_modules/typescript/bin/tsc');
  const types = ['--typeRoots', join(repository, 'node_modules/@types')];
  const files = (name: string) => [tsc, ...options, ...types, `suites/${name}`];
  await run(process.execPath, files('code.gvm.ts'), { cwd: folder });
  writeFileSync(join(folder, 'suites/wrong.gvm.ts'), script.replace('kernel.release', 'kernel.relase'));
  const wrong = await run(process.execPath, files('wrong.gvm.ts'), { cwd: folder }).catch((e: { stdout: string }) => e);
  rmSync(join(folder, 'suites/wrong.gvm.ts'));
  expect(wrong.stdout).toContain("Property 'relase' does not exist");
});

test('init, test: a green run in a folder where nothing was', async () => {
  const fresh = join(folder, 'fresh');
  mkdirSync(fresh);
  await run('npx', ['--no', 'gvm', 'init'], { cwd: fresh });
  const { stdout } = await run('npx', ['--no', 'gvm', 'test'], { cwd: fresh });
  expect(stdout).toContain('4 passed');
  expect(JSON.parse(readFileSync(join(fresh, 'reports/run.json'), 'utf8')).exitCode).toBe(0);
});

test('the library loads without vitest', async () => {
  const script = `import * as gvm from 'gvm-test';
    const loaded = process.moduleLoadList?.join() ?? '';
    console.log(typeof gvm.openLab, typeof gvm.loadSuite, /vitest/.test(loaded));`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { cwd: folder });
  expect(stdout.trim()).toBe('function function false');
});
