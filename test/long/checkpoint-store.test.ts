import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { gvm, home, listing, project, survivors } from '../e2e/gvm.ts';

const RUNS = Number(process.env.GVM_LONG_RUNS ?? 100);
const suite = `suite: again
isolation: fork
tests:
  - { name: one, file: { path: /etc/passwd, exists: true } }
`;

/** Kilobytes on the disk of what gvm's home has of its own: the images are those of another one. */
const kilobytes = () => {
  const folders = ['checkpoints', 'runs', 'records'].map((name) => join(home, name));
  const lines = execFileSync('du', ['-sk', ...folders], { encoding: 'utf8' })
    .trim()
    .split('\n');
  return lines.reduce((sum, line) => sum + Number(line.split('\t')[0]), 0);
};
/** Bytes of the shared memory of the host. */
const sharedMemory = () =>
  Number(/^Shmem:\s+(\d+)/m.exec(execFileSync('cat', ['/proc/meminfo'], { encoding: 'utf8' }))?.[1]);

test(`after ${RUNS} runs the store is as large as after a few, and nothing is left in memory`, async () => {
  const at = project({ 's.gvm.yaml': suite });
  const run = async () => {
    const { code, stderr } = await gvm(['test', 's.gvm.yaml', '-q'], { cwd: at.folder });
    expect([code, stderr.replace(/^guests run under TCG.*\n/m, '')]).toEqual([0, '']);
  };
  await run();
  const before = { disk: kilobytes(), memory: sharedMemory() };
  for (let i = 1; i < RUNS; i++) await run();
  const after = { disk: kilobytes(), memory: sharedMemory() };
  const listed = await gvm(['checkpoint', 'list', '--json'], { cwd: at.folder });
  const [{ bytes }, ...others] = JSON.parse(listed.stdout);
  console.log(`disk: ${before.disk} KiB, then ${after.disk} KiB; gvm checkpoint list: ${bytes / 1024} KiB`);
  expect(others).toEqual([]);
  // The records of twenty runs are kept beside it.
  expect(after.disk - before.disk).toBeLessThan(20 * 64);
  expect(Math.abs(after.disk - bytes / 1024)).toBeLessThan(20 * 64 + 1024);
  expect(after.memory - before.memory).toBeLessThan(64 * 1024);
  expect(listing(join(home, 'runs'))).toEqual([]);
  expect(await survivors()).toEqual([]);
  at.remove();
});
