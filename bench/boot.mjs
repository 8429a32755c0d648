// Boots an image several times, one after the other, and says where the seconds go.
// usage: npm run build && node bench/boot.mjs [IMAGE] [--runs N] [--firmware direct|uefi]
import { readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  chooseAccelerator,
  createLog,
  describeGuest,
  machineLayer,
  openLab,
  openStateFolders,
  openStore,
  proveAccelerators,
} from '../dist/index.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: 'string', default: '5' }, firmware: { type: 'string', default: 'direct' } },
});
const image = positionals[0] ?? 'openrc';
const log = createLog((line) => console.error(line), 0);
const state = openStateFolders();
const accelerator = chooseAccelerator('auto', await proveAccelerators({ log, cacheDir: state.home }));
const lab = await openLab({ ...state, log, accelerator });

/** What a part of the boot is called, by the stage that it begins with. */
const parts = {
  qemu: 'QEMU, firmware, loading the kernel',
  firmware: 'firmware',
  loader: 'boot loader',
  kernel: 'kernel',
  initrd: 'initramfs: drivers, root device',
  init: 'OpenRC until the network',
  network: 'OpenRC until sshd',
  ssh: 'sshd: host key, start, login, first command',
  settle: 'settling: remaining services',
};

const runs = [];
try {
  for (let run = 1; run <= Number(values.runs); run++) {
    const spec = await describeGuest({
      image,
      guest: `bench-${run}`,
      cwd: process.cwd(),
      recipes: [fileURLToPath(new URL('../images', import.meta.url))],
      store: openStore(state.home),
      layers: [machineLayer('bench', { firmware: values.firmware })],
      scale: lab.scale,
      log,
      version: 'bench',
    });
    const guest = await lab.start(spec);
    const { stages, sshMs = 0, readyMs = 0 } = guest.boot;
    const marks = [...stages.map(({ stage, atMs }) => [stage, atMs])];
    if (marks[0]?.[0] !== 'qemu') marks.unshift(['qemu', 0]);
    runs.push({ marks, sshMs, readyMs, load: loadavg()[0] ?? 0 });
    console.error(`run ${run}: ${seconds(sshMs)} s to the first command, ${seconds(readyMs)} s until settled`);
    if (run === Number(values.runs)) slowest(readFileSync(guest.consoleLog, 'utf8'));
    await guest.powerOff();
    await guest[Symbol.asyncDispose]();
  }
} finally {
  await lab[Symbol.asyncDispose]();
}

const rows = new Map();
for (const { marks, sshMs, readyMs } of runs) {
  const ends = [...marks.slice(1).map(([, at]) => at), sshMs];
  for (const [index, [stage, at]] of marks.entries()) add(stage, (ends[index] ?? at) - at);
  add('settle', readyMs - sshMs);
}
console.log(`\n${image}, firmware ${values.firmware}, ${accelerator.name}, ${runs.length} boots; seconds\n`);
console.log('| part | median | least | most |\n|---|---|---|---|');
for (const [stage, times] of rows) {
  if (stage !== 'settle') console.log(row(parts[stage] ?? stage, times));
}
console.log(
  row(
    '**to the first command answered**',
    runs.map((r) => r.sshMs),
  ),
);
console.log(row(parts.settle, rows.get('settle') ?? []));
console.log(
  row(
    '**until settled**',
    runs.map((r) => r.readyMs),
  ),
);
console.log(`\nload of the host during the boots: ${runs.map((r) => r.load.toFixed(1)).join(' ')}`);

function add(stage, ms) {
  rows.set(stage, [...(rows.get(stage) ?? []), ms]);
}

function row(name, times) {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (index) => seconds(sorted[index] ?? 0);
  return `| ${name} | ${at(Math.floor(sorted.length / 2))} | ${at(0)} | ${at(sorted.length - 1)} |`;
}

function seconds(ms) {
  return (ms / 1000).toFixed(2);
}

/** The longest silences of the console, with the line before each: where a closer look is worth it. */
function slowest(text) {
  const lines = text.split('\n').flatMap((line) => {
    const match = /^\[? *(\d+\.\d+)\]?\s?(.*)$/.exec(line);
    return match ? [{ at: Number(match[1]), text: match[2] ?? '' }] : [];
  });
  const gaps = lines
    .slice(1)
    .map((line, index) => ({ gap: line.at - (lines[index]?.at ?? 0), text: lines[index]?.text }));
  console.error('the longest pauses on the console of the last run:');
  for (const { gap, text: before } of gaps.sort((a, b) => b.gap - a.gap).slice(0, 8)) {
    console.error(`  ${gap.toFixed(2)} s after: ${before}`);
  }
}
