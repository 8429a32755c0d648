// Runs suites with isolation: fork and says what a pristine guest for each test costs, beside a cold boot.
// usage: npm run build && node bench/fork.mjs [IMAGE] [--tests N] [--firmware direct|uefi] [--plot FILE.svg]
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { barsOf } from './plot.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    tests: { type: 'string', default: '50' },
    firmware: { type: 'string', default: 'direct' },
    plot: { type: 'string' },
  },
});
const image = positionals[0] ?? 'openrc';
const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'gvm-bench-'));
const count = Number(values.tests);
const gvm = (...args) => execFileSync(process.execPath, [cli, ...args], { cwd: folder, stdio: ['ignore', 'pipe', 2] });

function suite(name, channel, tests) {
  const lines = Array.from(
    { length: tests },
    (_, i) => `  - name: test ${i + 1}\n    file: { path: /etc/passwd, exists: true }`,
  );
  writeFileSync(
    join(folder, `${name}.gvm.yaml`),
    `suite: ${name}\nisolation: fork\nchannel: ${channel}\ntests:\n${lines.join('\n')}\n`,
  );
  return `${name}.gvm.yaml`;
}

/** A run, and the milliseconds of the whole process. */
function run(files, ...options) {
  const began = performance.now();
  gvm('test', ...files, '--image', image, '--firmware', values.firmware, '--output', 'out', '-q', ...options);
  const ms = performance.now() - began;
  return { ms, load: loadavg()[0], record: JSON.parse(readFileSync(join(folder, 'out/run.json'), 'utf8')) };
}

const part = (sorted, share) => sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
const seconds = (ms) => (ms / 1000).toFixed(2);

/** From the start of one test to the start of the next: overlay, QEMU, channel, facts, verdict, health, teardown. */
function between({ suites }) {
  return suites
    .flatMap(({ tests }) => tests.slice(1).map(({ started }, i) => Date.parse(started) - Date.parse(tests[i].started)))
    .sort((a, b) => a - b);
}

try {
  gvm('checkpoint', 'remove', 'all');
  const { record: cold, load } = run([suite('first', 'auto', 1)]);
  const template = cold.guests.find((guest) => guest.checkpoint === undefined);
  const [stored] = JSON.parse(gvm('checkpoint', 'list', '--json').toString());
  const half = Math.ceil(count / 2);
  const variants = [
    ['console channel', run([suite('console', 'auto', count)])],
    ['SSH', run([suite('ssh', 'ssh', count)])],
    ['console channel, -j auto', run([suite('one', 'auto', half), suite('two', 'auto', count - half)], '-j', 'auto')],
  ];
  const boot = template.boot.readyMs;
  console.log(`${image}, firmware ${values.firmware}, ${cold.accelerator.name}, ${count} tests each\n`);
  console.log(`A cold boot was ready after ${seconds(boot)} s (load ${load.toFixed(1)}). Its checkpoint has`);
  console.log(
    `${Math.round(stored.bytes / 2 ** 20)} MiB on the disk, of ${stored.manifest.memory / 2 ** 20} MiB memory.\n`,
  );
  console.log(
    '| forks over | whole run by tests | test to test: p50, p95, worst | fork until ready: p50, p95, worst | tests in a cold boot | load |',
  );
  console.log('|---|---|---|---|---|---|');
  const rows = variants.map(([name, { ms, load, record }]) => {
    const ready = record.guests.map(({ boot }) => boot.readyMs).sort((a, b) => a - b);
    const tests = between(record);
    const three = (all) => [0.5, 0.95, 1].map((share) => seconds(part(all, share))).join(', ');
    const each = ms / count;
    console.log(
      `| ${name} | ${seconds(each)} s | ${three(tests)} s | ${three(ready)} s | ${(boot / each).toFixed(1)} | ${load.toFixed(1)} |`,
    );
    return { name, value: each / 1000, marks: [0.5, 0.95, 1].map((share) => part(tests, share) / 1000) };
  });
  if (values.plot) {
    const title = `Seconds for a test with a pristine guest (${image}, ${cold.accelerator.name}, ${count} tests)`;
    const bars = [{ name: 'cold boot alone', value: boot / 1000, marks: [] }, ...rows];
    writeFileSync(
      values.plot,
      barsOf({ title, bars, note: 'bar: whole run by tests; marks: p50, p95 and worst from test to test' }),
    );
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
