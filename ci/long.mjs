// `npm run test:long -- NAME`: full counts and storms, one file of test/long/ each.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';

process.chdir(new URL('..', import.meta.url).pathname);
const names = readdirSync('test/long')
  .filter((file) => file.endsWith('.test.ts'))
  .map((file) => file.slice(0, -'.test.ts'.length));
const [name] = process.argv.slice(2);
if (!name || !names.includes(name)) {
  console.error(`usage: npm run test:long -- NAME, where NAME is one of: ${names.join(', ')}`);
  process.exit(2);
}
// Coverage is told by the files of the source.
if (process.env.GVM_FUZZ_COVERAGE || name === 'fuzz-bounds')
  spawnSync(process.execPath, ['ci/build.mjs', '--parts'], { stdio: 'inherit' });
const { status } = spawnSync(
  'node_modules/.bin/vitest',
  ['run', '--project', 'long', '--reporter', 'verbose', `test/long/${name}.test.ts`],
  { stdio: 'inherit' },
);
process.exit(status ?? 1);
