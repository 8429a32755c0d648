// Runs many forks of one small guest at once and says how much memory they have together: the proportional set size
// (smaps_rollup) counts a page that several share once.
// usage: npm run build && node bench/many.mjs [IMAGE] [--guests 1,2,5,10,20] [--memory 256M]
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { guests: { type: 'string', default: '1,2,5,10,20' }, memory: { type: 'string', default: '256M' } },
});
const image = positionals[0] ?? 'openrc';
const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'gvm-bench-'));
const name = `many-${process.pid}`;

// Each guest stands long enough for the slowest to come.
const suite = (stand) => `suite: ${name}
isolation: fork
channel: console
machine: { memory: ${values.memory}, cpus: 1 }
tests:
  - name: stands
    timeout: 10m
    command: { run: "sleep ${stand}", timeout: 5m }
`;

/** The kilobytes of each QEMU of ours: proportional, resident. */
function sizes() {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      if (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`-${name}-`)) return [];
      const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
      const of = (key) => Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
      return of('Rss') > 0 ? [{ pss: of('Pss'), rss: of('Rss') }] : [];
    } catch {
      return [];
    }
  });
}

const args = (guests) => [
  'test',
  's.gvm.yaml',
  '--image',
  image,
  '--repeat',
  String(guests),
  '-j',
  String(guests),
  '--output',
  'out',
  '-q',
];

try {
  writeFileSync(join(folder, 's.gvm.yaml'), suite(0));
  execFileSync(process.execPath, [cli, ...args(1)], { cwd: folder, stdio: ['ignore', 'ignore', 2] });
  console.log(`${image}, ${values.memory} memory each\n`);
  console.log(
    '| guests at once | passed | PSS together | PSS each | RSS each | whole run | load |\n|---|---|---|---|---|---|---|',
  );
  for (const guests of values.guests.split(',').map(Number)) {
    writeFileSync(join(folder, 's.gvm.yaml'), suite(10 + 6 * guests));
    const began = performance.now();
    const child = spawn(process.execPath, [cli, ...args(guests)], { cwd: folder, stdio: ['ignore', 'ignore', 2] });
    const ended = new Promise((resolve) => child.once('close', resolve));
    let over = false;
    void ended.then(() => (over = true));
    let most = [];
    while (!over) {
      const now = sizes();
      const sum = (all) => all.reduce((total, { pss }) => total + pss, 0);
      if (now.length > most.length || (now.length === most.length && sum(now) > sum(most))) most = now;
      await pause(500);
    }
    const { totals } = JSON.parse(readFileSync(join(folder, 'out/run.json'), 'utf8'));
    const mib = (key, by = 1) => `${Math.round(most.reduce((total, size) => total + size[key], 0) / 1024 / by)} MiB`;
    const seconds = ((performance.now() - began) / 1000).toFixed(0);
    console.log(
      `| ${most.length} | ${totals.passed} of ${guests} | ${mib('pss')} | ${mib('pss', most.length)} | ${mib('rss', most.length)} | ${seconds} s | ${loadavg()[0].toFixed(1)} |`,
    );
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
