import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { RunRecord, Shards } from '../../src/schema/index.ts';
import { gvm, project, survivors } from '../e2e/gvm.ts';

// From half a second to fifteen: what is divided is the time of tests, and a guest has more to do than to wait.
const waits = [15, 12, 8, 8, 5, 4, 4, 3, 2, 2, 1, 1, 0.5, 0.5, 0.5];
const tests = waits.map((s, i) => `  - { name: test ${i}, command: { run: "sleep ${s}; echo ${i}", stdout: "${i}" } }`);
const failing = '  - { name: fails, file: { path: /etc/passwd, exists: false } }';
const suite = `suite: uneven\nisolation: fork\ntests:\n${tests.join('\n')}\n${failing}\n`;

/** What must be the same however the tests were divided. */
const told = (run: RunRecord) => ({
  tests: run.suites.map(({ name, file, sha256, tests }) => [
    ...[name, file, sha256],
    tests.map(({ id, outcome, failures, commands, retries, reason, error }) => ({
      ...{ id, outcome, failures, retries, reason, error },
      commands: commands.map(({ durationMs: _, ...command }) => command),
    })),
  ]),
  totals: run.totals,
  errors: run.errors,
  exitCode: run.exitCode,
});

test('three shards of uneven tests take about the same time, and merge to what one run gives', async () => {
  const at = project({ 'uneven.gvm.yaml': suite });
  const json = async <T>(...args: string[]): Promise<T> => {
    const { stdout, stderr } = await gvm([...args, '--json'], { cwd: at.folder });
    if (stdout === '') throw new Error(stderr);
    return JSON.parse(stdout);
  };
  const run = (output: string, ...options: string[]) =>
    json<RunRecord>('test', 'uneven.gvm.yaml', '--output', output, ...options);
  const whole = await run('whole');
  expect(whole.totals).toMatchObject({ passed: waits.length, failed: 1 });
  const shards = await json<Shards>('shards', '3', 'uneven.gvm.yaml', '--timings', 'whole/run.json');
  writeFileSync(join(at.folder, 'shards.json'), JSON.stringify(shards));
  const times: number[] = [];
  for (const shard of ['1/3', '2/3', '3/3']) {
    const part = await run(`shard-${shard[0]}`, '--shard', shard, '--timings', 'shards.json');
    times.push(part.suites.flatMap((s) => s.tests).reduce((sum, { durationMs }) => sum + durationMs, 0));
  }
  console.log(`seconds of the tests of each shard: ${times.map((ms) => (ms / 1000).toFixed(1)).join(', ')}`);
  expect(Math.max(...times) / Math.min(...times)).toBeLessThan(1.2);
  const merged = await json<RunRecord>('report', 'merge', 'shard-3', 'shard-1', 'shard-2', '--output', 'merged');
  expect(told(merged)).toEqual(told(whole));
  expect(await survivors()).toEqual([]);
  at.remove();
});
