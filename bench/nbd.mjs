// Reads a whole export from its beginning to its end, by gvm's NBD client and by nbdcopy of libnbd, in turns over the
// same server: qemu-nbd, and nbdkit. What is read is in the host's page cache and is thrown away by both.
// The start of Node is left out. On a host that does other things as well, `chrt -r 1` before it lets them wait.
// usage: npm run build && node bench/nbd.mjs [--size MIB] [--runs N]
// needs, of Debian: libnbd-bin, nbdkit, qemu-utils
import { spawn } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { weigh } from './process.mjs';

const MIB = 2 ** 20;
const PIECE = 2 * MIB;
const AHEAD = 4;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { size: { type: 'string', default: '4096' }, runs: { type: 'string', default: '5' } },
});

if (positionals[0]) {
  // The reading side: a process of its own, which is what nbdcopy is as well.
  const { openDisk } = await import('../dist/disk/index.js');
  const started = performance.now();
  const disk = await openDisk(positionals[0]);
  const reads = [];
  let read = 0;
  for (let at = 0; at < disk.source.size || reads.length > 0; at += PIECE) {
    if (at < disk.source.size) reads.push(disk.source.read(at, Math.min(PIECE, disk.source.size - at)));
    if (reads.length > AHEAD || at >= disk.source.size) read += (await reads.shift()).length;
  }
  await disk[Symbol.asyncDispose]();
  console.log(JSON.stringify({ read, seconds: (performance.now() - started) / 1000 }));
} else {
  const folder = mkdtempSync(join(tmpdir(), 'gvm-nbd-'));
  const file = join(folder, 'disk.raw');
  const size = Number(values.size) * MIB;
  const fd = openSync(file, 'w');
  for (let at = 0; at < size; at += 64 * MIB)
    writeSync(fd, randomFillSync(Buffer.alloc(Math.min(64 * MIB, size - at))));
  closeSync(fd);
  const servers = {
    'qemu-nbd': (socket) => ['qemu-nbd', '-r', '-t', '-e', '16', '-f', 'raw', '-k', socket, file],
    nbdkit: (socket) => ['nbdkit', '-f', '-r', '-U', socket, 'file', file],
  };
  const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
  try {
    console.log(`${values.size} MiB of random bytes, ${values.runs} runs in turns, median MiB/s with connecting\n`);
    console.log('| server | gvm | nbdcopy | gvm has of it: median, least, most | memory of gvm | of nbdcopy |');
    console.log('|---|---|---|---|---|---|');
    for (const [name, command] of Object.entries(servers)) {
      const socket = join(folder, name);
      const [tool, ...args] = command(socket);
      const server = spawn(tool, args, { stdio: ['ignore', 'ignore', 2] });
      try {
        while (!existsSync(socket)) await pause(10);
        const uri = `nbd+unix:///?socket=${socket}`;
        const [own, theirs] = [[], []];
        for (let run = 0; run < Number(values.runs); run++) {
          const { output, peak } = await weigh(process.execPath, [process.argv[1], uri]);
          const { read, seconds } = JSON.parse(output);
          if (read !== size) throw new Error(`read ${read} of ${size} bytes`);
          own.push({ seconds, peak });
          theirs.push(await weigh('nbdcopy', [uri, 'null:']));
        }
        const speed = (list) => Math.round(size / MIB / median(list.map(({ seconds }) => seconds)));
        const shares = own.map(({ seconds }, run) => theirs[run].seconds / seconds);
        const share = [median(shares), Math.min(...shares), Math.max(...shares)].map((x) => x.toFixed(2)).join(', ');
        const peak = (list) => `${Math.round(Math.max(...list.map((one) => one.peak)) / MIB)} MiB`;
        console.log(`| ${name} | ${speed(own)} | ${speed(theirs)} | ${share} | ${peak(own)} | ${peak(theirs)} |`);
      } finally {
        const ended = new Promise((resolve) => server.once('exit', resolve));
        server.kill();
        await ended;
      }
    }
    console.log(`\nload of the host at the end: ${loadavg()[0]?.toFixed(1)}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
