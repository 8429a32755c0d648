import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunRecord } from '../../src/schema/index.ts';
import { gvm } from '../e2e/gvm.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gvm-e2e-learn-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Learns a suite into a file. */
async function learnt(name: string, ...args: string[]): Promise<string> {
  const file = join(folder, name);
  const { code, stderr } = await gvm(['learn', ...args, '--output', file]);
  expect([code, code === 0 ? '' : stderr]).toEqual([0, '']);
  return file;
}

async function run(...args: string[]) {
  const { code, stdout, stderr } = await gvm(['test', ...args, '--json', '--output', join(folder, 'reports')]);
  if (stdout === '') throw new Error(stderr);
  const tests = (JSON.parse(stdout) as RunRecord).suites.flatMap((suite) => suite.tests);
  const failed = tests.filter(({ outcome }) => outcome !== 'passed');
  return { code, tests, failed: failed.map(({ name, failures }) => [name, ...(failures ?? []).map((f) => f.message)]) };
}

test('a suite learnt of a live guest holds of the next one, and fails of one that was changed', async () => {
  const file = await learnt('live.gvm.yaml', 'openrc');
  const { code, tests, failed } = await run(file);
  expect(failed).toEqual([]);
  expect(code).toBe(0);
  expect(tests.map(({ name }) => name)).toEqual([
    'runs its kernel',
    'reaches its runlevel',
    'starts its services',
    'listens on its ports, and where it should',
    'has its file systems mounted',
    'has its accounts',
    'has its important files, with their modes and owners',
    'has these setuid and setgid programs, and no other',
    'has its packages',
  ]);
  const changed = join(folder, 'changed.gvm.yaml');
  writeFileSync(changed, readFileSync(file));
  const change = 'chmod 600 /etc/fstab; rc-service klog stop; usermod -s /bin/sh root; chmod 4755 /bin/true';
  appendFileSync(changed, `setup:\n  - command: { run: ${JSON.stringify(change)} }\n`);
  const after = await run(changed);
  expect(after.failed).toEqual([
    ['starts its services', 'state: expected "started", found "stopped"'],
    ['has its accounts', 'shell: expected "/bin/bash", found "/bin/sh"'],
    ['has its important files, with their modes and owners', 'mode: expected "0644", found "0600"'],
    ['has these setuid and setgid programs, and no other', expect.stringContaining('/usr/bin/true')],
  ]);
  expect(after.code).toBe(1);
});
