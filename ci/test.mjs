// `npm test`: the checks, then the tests that need real tools or boot guests. The last line is `N passed, N failed`.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';

process.chdir(new URL('..', import.meta.url).pathname);

const check = spawnSync(process.execPath, ['ci/check.mjs'], { stdio: 'inherit' });
// Once, before several files want it at the same time.
spawnSync(process.execPath, ['dist/cli.js', 'image', 'build', 'openrc'], { stdio: 'inherit' });
const scratch = mkdtempSync(join(tmpdir(), 'gvm-test-'));
const results = join(scratch, 'results.json');
// An emulated guest leaves much of two processors idle while it waits for its disk, and gvm for it.
const workers = String(Math.max(3, Math.floor(availableParallelism() / 2)));
const reporters = ['--reporter', 'verbose', '--reporter', 'json', '--outputFile.json', results];
const vitest = spawnSync(
  'node_modules/.bin/vitest',
  ['run', '--project', 'e2e', '--project', 'tools', '--maxWorkers', workers, ...reporters],
  { stdio: 'inherit' },
);
let passed = check.status === 0 ? 1 : 0;
let failed = check.status === 0 ? 0 : 1;
try {
  const report = JSON.parse(readFileSync(results, 'utf8'));
  passed += report.numPassedTests;
  failed +=
    report.numFailedTests +
    report.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0).length;
} catch {
  failed += 1;
}
rmSync(scratch, { recursive: true, force: true });
if (vitest.status !== 0 && failed === 0) failed = 1;
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
