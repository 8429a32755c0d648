import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findProject } from '../../src/config/index.ts';
import { builtins, loadSuite } from '../../src/suite/index.ts';

const cli = new URL('../../dist/cli.js', import.meta.url).pathname;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gvm-init-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const init = (...more: string[]) =>
  JSON.parse(execFileSync(process.execPath, [cli, 'init', '--json', ...more], { cwd: folder, encoding: 'utf8' }));

test('a new project is valid, and names its image', async () => {
  expect(init('--image', './my "own".qcow2')).toEqual({
    made: ['gvm.yaml', 'suites/first.gvm.yaml', '.github/workflows/gvm.yml'],
    left: [],
  });
  expect(findProject(folder)?.value).toMatchObject({ image: './my "own".qcow2', suites: 'suites' });
  const plan = await loadSuite(join(folder, 'suites/first.gvm.yaml'), builtins);
  expect(plan.tests.length).toBeGreaterThan(2);
});

test('nothing that exists is written over', () => {
  writeFileSync(join(folder, 'gvm.yaml'), 'image: mine\n');
  expect(init().left).toEqual(['gvm.yaml']);
  expect(init().made).toEqual([]);
  expect(readFileSync(join(folder, 'gvm.yaml'), 'utf8')).toBe('image: mine\n');
});
