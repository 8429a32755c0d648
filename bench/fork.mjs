// Runs a suite with isolation: fork and says what a pristine guest for each test costs, beside a cold boot.
// usage: npm run build && node bench/fork.mjs [IMAGE] [--tests N] [--firmware direct|uefi]
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { tests: { type: 'string', default: '50' }, firmware: { type: 'string', default: 'direct' } },
});
const image = positionals[0] ?? 'openrc';
const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'gvm-bench-'));
const count = Number(values.tests);
const gvm = (...args) => execFileSync(process.execPath, [cli, ...args], { cwd: folder, stdio: ['ignore', 'pipe', 2] });

const tests = Array.from(
  { length: count },
  (_, i) => `  - name: test ${i + 1}\n    file: { path: /etc/passwd, exists: true }`,
);
writeFileSync(join(folder, 'fork.gvm.yaml'), `suite: fork\nisolation: fork\ntests:\n${tests.join('\n')}\n`);
try {
  gvm('checkpoint', 'remove', 'all');
  const run = (name) => {
    gvm('test', 'fork.gvm.yaml', '--image', image, '--firmware', values.firmware, '--output', name, '-q');
    return JSON.parse(readFileSync(join(folder, name, 'run.json'), 'utf8'));
  };
  const [cold, warm] = [run('cold'), run('warm')];
  const template = cold.guests.find((guest) => guest.checkpoint === undefined);
  const forks = warm.guests.map(({ boot }) => boot.readyMs).sort((a, b) => a - b);
  const at = (share) => forks[Math.floor((forks.length - 1) * share)] ?? 0;
  const seconds = (ms) => (ms / 1000).toFixed(2);
  const [stored] = JSON.parse(gvm('checkpoint', 'list', '--json').toString());
  console.log(`${image}, firmware ${values.firmware}, ${cold.accelerator.name}, ${count} tests, one after the other\n`);
  console.log('| what | value |\n|---|---|');
  console.log(`| cold boot until ready | ${seconds(template.boot.readyMs)} s |`);
  console.log(
    `| checkpoint on the disk | ${Math.round(stored.bytes / 2 ** 20)} MiB of ${stored.manifest.memory / 2 ** 20} MiB memory |`,
  );
  console.log(
    `| run that makes the checkpoint, less the boot, for each test | ${seconds((cold.durationMs - template.boot.readyMs) / count)} s |`,
  );
  console.log(`| run that finds it, for each test | ${seconds(warm.durationMs / count)} s |`);
  console.log(`| fork until ready: p50, p95, worst | ${seconds(at(0.5))}, ${seconds(at(0.95))}, ${seconds(at(1))} s |`);
  console.log(
    `| a cold boot is as long as | ${(template.boot.readyMs / (warm.durationMs / count)).toFixed(1)} tests |`,
  );
  console.log(`\nload of the host at the end: ${loadavg()[0]?.toFixed(1)}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
