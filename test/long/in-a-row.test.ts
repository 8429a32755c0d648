import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { runSchema } from '../../src/schema/index.ts';
import { gvm, home, listing, project, repository, survivors } from '../e2e/gvm.ts';

// The shipped suites in turn, a run for each: the same verdicts every time, and nothing left behind.
const RUNS = Number(process.env.GVM_RUNS ?? 100);
const SUITES = ['boot', 'smoke', 'security'];

const { folder, remove } = project({});
const temporary = project({});
afterAll(() => {
  remove();
  temporary.remove();
});

test(`${RUNS} runs in a row come to the same`, async () => {
  const verdicts: Record<string, Set<string>> = {};
  const trouble: unknown[] = [];
  const before = listing(join(home, 'runs'));
  for (let run = 1; run <= RUNS; run++) {
    const env = { TMPDIR: temporary.folder, XDG_RUNTIME_DIR: '' };
    const suite = SUITES[run % SUITES.length] ?? '';
    const { code, stdout, stderr } = await gvm(['test', join(repository, 'suites', suite)], { cwd: folder, env });
    const record = runSchema.parse(JSON.parse(readFileSync(join(folder, 'reports/run.json'), 'utf8')));
    const tests = record.suites.flatMap(({ tests }) => tests.map(({ id, outcome }) => `${id}: ${outcome}`));
    verdicts[suite] ??= new Set();
    verdicts[suite].add(tests.join('\n'));
    const alive = await survivors();
    const left = [
      ...listing(temporary.folder).filter((file) => !/^(?:\.git|gvm-\d+)$/.test(file)),
      ...listing(join(home, 'runs')).filter((file) => !before.includes(file)),
    ];
    console.log(`${run}: ${suite}, exit ${code}, ${tests.length} tests, ${(record.durationMs / 1000).toFixed(1)} s`);
    if (code !== 0) console.log(stdout, stderr);
    if (code !== 0 || alive.length > 0 || left.length > 0) trouble.push({ run, code, alive, left, stdout, stderr });
  }
  expect(trouble).toEqual([]);
  for (const [suite, different] of Object.entries(verdicts)) expect([...different], suite).toHaveLength(1);
});
