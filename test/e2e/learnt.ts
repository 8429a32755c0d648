import { join } from 'node:path';
import { expect } from 'vitest';
import type { RunRecord } from '../../src/schema/index.ts';
import { gvm } from './gvm.ts';

/** Learns a suite into a file of a folder. */
export async function learnt(folder: string, name: string, ...args: string[]): Promise<string> {
  const file = join(folder, name);
  const { code, stderr } = await gvm(['learn', ...args, '--output', file], { cwd: folder });
  expect([code, code === 0 ? '' : stderr]).toEqual([0, '']);
  return file;
}

/** Runs suites; of what did not pass, its names and failures. */
export async function run(folder: string, ...args: string[]) {
  const { code, stdout, stderr } = await gvm(['test', ...args, '--json'], { cwd: folder });
  if (stdout === '') throw new Error(stderr);
  const tests = (JSON.parse(stdout) as RunRecord).suites.flatMap((suite) => suite.tests);
  const failed = tests.filter(({ outcome }) => outcome !== 'passed');
  return { code, tests, failed: failed.map(({ name, failures }) => [name, ...(failures ?? []).map((f) => f.message)]) };
}
