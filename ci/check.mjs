// `npm run check`: everything that needs no guest, all at once, in under a minute. `-- --fix` formats and repairs.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';

process.chdir(new URL('..', import.meta.url).pathname);
if (!existsSync('node_modules')) {
  console.error('check: run ci/bootstrap first');
  process.exit(4);
}

const fix = process.argv.includes('--fix');
const bin = (name) => `node_modules/.bin/${name}`;

const tasks = {
  types: [bin('tsc'), '-p', 'tsconfig.json'],
  lint: [bin('biome'), 'check', '--error-on-warnings', ...(fix ? ['--write'] : []), '.'],
  'import rules': [process.execPath, 'ci/import-rules.mjs'],
  'file sizes': [process.execPath, 'ci/file-sizes.mjs'],
  'unused code': [bin('knip'), '--no-progress'],
  docs: [process.execPath, 'ci/docs.mjs', ...(fix ? [] : ['--check'])],
  'unit tests': [bin('vitest'), 'run', '--project', 'unit', '--reporter', 'dot', '--maxWorkers', '2'],
};

/** Runs one task and keeps its output for the case that it fails. */
function run(name, [command, ...args]) {
  const started = performance.now();
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, FORCE_COLOR: '0' },
    });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('close', (code) => {
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`);
      if (code !== 0) console.log(output.trimEnd());
      resolve(code === 0);
    });
  });
}

const built = await run('build', [process.execPath, 'ci/build.mjs']);
const results = built ? await Promise.all(Object.entries(tasks).map(([name, task]) => run(name, task))) : [false];
const passed = results.filter(Boolean).length;
console.log(`${passed} passed, ${results.length - passed} failed`);
process.exit(passed === results.length ? 0 : 1);
