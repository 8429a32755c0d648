import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { project, repository } from './gvm.ts';

const run = promisify(execFile);
const suite = `suite: packed
tests:
  - name: boots from an installed package
    kernel: { arch: x86_64, taint: 0 }
`;

let at: ReturnType<typeof project>;
let folder: string;

beforeAll(async () => {
  at = project({
    'package.json': JSON.stringify({ name: 'monorepo', private: true }),
    'tools/vm/package.json': JSON.stringify({ name: 'vm', private: true }),
    'tools/vm/suites/packed.gvm.yaml': suite,
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

test('the packed package runs a suite in a subfolder of a monorepo', async () => {
  const { stdout } = await run('npx', ['--no', 'gvm', 'test'], { cwd: folder });
  expect(stdout).toContain('1 passed');
  expect(JSON.parse(readFileSync(join(folder, 'reports/run.json'), 'utf8')).exitCode).toBe(0);
});

test('the library loads without vitest', async () => {
  const script = `import * as gvm from 'gvm-test';
    const loaded = process.moduleLoadList?.join() ?? '';
    console.log(typeof gvm.openLab, typeof gvm.loadSuite, /vitest/.test(loaded));`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { cwd: folder });
  expect(stdout.trim()).toBe('function function false');
});
