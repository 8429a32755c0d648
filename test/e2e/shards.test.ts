import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunRecord, Shards } from '../../src/schema/index.ts';
import { gvm, project, repository } from './gvm.ts';

// Read from the powered-off disk: what divides and joins a run boots nothing.

let at: ReturnType<typeof project>;
beforeAll(() => {
  const text = readFileSync(join(repository, 'suites/security/security.gvm.yaml'), 'utf8');
  at = project({ 'security.gvm.yaml': text });
});
afterAll(() => at.remove());

async function json<T>(...args: string[]): Promise<T> {
  const { stdout, stderr } = await gvm([...args, '--json'], { cwd: at.folder });
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout);
}

const results = (run: RunRecord) => run.suites.flatMap((s) => s.tests.map(({ id, outcome }) => [id, outcome]));
const suite = ['security.gvm.yaml', '--offline', '--output'];

test('two shards, divided by the times of an earlier run, merge to what one run gives', async () => {
  const whole = await json<RunRecord>('test', ...suite, 'whole');
  const shards = await json<Shards>('shards', '2', 'security.gvm.yaml', '--timings', 'whole/run.json');
  writeFileSync(join(at.folder, 'shards.json'), JSON.stringify(shards));
  for (const [i, { shard, tests }] of shards.shards.entries()) {
    const run = await json<RunRecord>('test', ...suite, `shard-${i + 1}`, '--shard', shard, '--timings', 'shards.json');
    expect(run).toMatchObject({ exitCode: 0, shard: { index: i + 1, total: 2, plan: shards.plan } });
    expect(results(run)).toHaveLength(tests);
  }
  const merged = await json<RunRecord>('report', 'merge', 'shard-2', 'shard-1', '--output', 'merged');
  expect(results(merged)).toEqual(results(whole));
  expect(merged).toMatchObject({ exitCode: whole.exitCode, totals: whole.totals, errors: [] });
});

test('a shard that is missing is told, and one of another plan is refused', async () => {
  const alone = await gvm(['report', 'merge', 'shard-1', '--output', 'half'], { cwd: at.folder });
  expect(alone.code).toBe(4);
  expect(alone.stdout).toMatch(/tests of the plan are in none of the shards: security\//);
  await json('test', ...suite, 'other', '--shard', '1/2', '-t', 'superuser|root');
  const mixed = await gvm(['report', 'merge', 'shard-1', 'other', '--output', 'half'], { cwd: at.folder });
  expect(mixed.code).toBe(2);
  expect(mixed.stderr).toMatch(/is shard 1\/2 of plan [0-9a-f]{12}, run \S+ is shard 1\/2 of plan [0-9a-f]{12}/);
});
