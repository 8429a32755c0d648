// Peak memory and time of `gvm ls -lR` over a tree of 200,000 files, beside one of 2,000: many folders, and all in one.
// usage: npm run build && node bench/listing.mjs [--files N] [--kinds ext4,btrfs,squashfs]
import { execFileSync, spawn } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { files: { type: 'string', default: '200000' }, kinds: { type: 'string', default: 'ext4,btrfs,squashfs' } },
});
const most = Number(values.files);
const folder = mkdtempSync(join(tmpdir(), 'gvm-bench-listing-'));
const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url));
const path = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
const run = (program, ...args) => execFileSync(program, args, { stdio: 'pipe', env: path });

/** Small files, `inOne` of them in each folder. */
function plant(name, files, inOne) {
  const top = join(folder, name);
  mkdirSync(top);
  for (let i = 0; i < files; i++) {
    const within = join(top, `folder-${Math.floor(i / inOne)}`);
    if (i % inOne === 0) mkdirSync(within);
    writeFileSync(join(within, `a-file-with-the-number-${i}`), i % 10 === 0 ? `content of ${i}\n` : '');
  }
  return top;
}

const makers = {
  ext4(tree, image) {
    blank(image, 1024);
    run('mke2fs', '-q', '-F', '-t', 'ext4', '-N', String(most + 5000), '-d', tree, image);
  },
  btrfs(tree, image) {
    blank(image, 1024);
    run('mkfs.btrfs', '-q', '--rootdir', tree, image);
  },
  squashfs(tree, image) {
    run('mksquashfs', tree, image, '-quiet', '-no-progress', '-noappend');
    truncateSync(image, Math.ceil(statSync(image).size / 512) * 512);
  },
};

function blank(image, mib) {
  closeSync(openSync(image, 'w'));
  truncateSync(image, mib * 2 ** 20);
}

/** The command as its user runs it; it says at its end how much memory it took at most. */
async function list(image) {
  const said =
    'import { writeSync } from "node:fs"; process.on("exit", () => writeSync(3, String(process.resourceUsage().maxRSS)))';
  const hook = `data:text/javascript,${encodeURIComponent(said)}`;
  const began = performance.now();
  const child = spawn(process.execPath, ['--import', hook, cli, 'ls', '-lR', '--json', image, '/'], {
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
  });
  let lines = 0;
  let peak = '';
  child.stdio[3].on('data', (bytes) => (peak += bytes));
  const ended = new Promise((resolve) => child.once('close', resolve));
  for await (const _ of createInterface({ input: child.stdout })) lines++;
  if ((await ended) !== 0) throw new Error(`gvm failed on ${image}`);
  return { lines, seconds: (performance.now() - began) / 1000, mib: Number(peak) / 1024 };
}

/** The same files in one folder. */
function gather(top) {
  const one = join(folder, 'crowd');
  mkdirSync(join(one, 'all'), { recursive: true });
  for (const within of readdirSync(top)) {
    for (const file of readdirSync(join(top, within))) renameSync(join(top, within, file), join(one, 'all', file));
  }
  return one;
}

try {
  const all = most.toLocaleString('en');
  const trees = [
    ['2,000 in 2 folders', () => plant('small', 2000, 1000)],
    [`${all} in ${most / 1000} folders`, () => plant('wide', most, 1000)],
    [`${all} in one folder`, () => gather(join(folder, 'wide'))],
  ];
  console.log('| files | file system | listed | seconds | peak memory, MiB | load |\n|---|---|---|---|---|---|');
  for (const [name, make] of trees) {
    const tree = make();
    for (const kind of values.kinds.split(',')) {
      // mke2fs searches the whole folder for each name that it adds: hours.
      if (kind === 'ext4' && name.endsWith('in one folder')) continue;
      const image = join(folder, 'image.raw');
      makers[kind](tree, image);
      const { lines, seconds, mib } = await list(image);
      const load = loadavg()[0].toFixed(1);
      console.log(`| ${name} | ${kind} | ${lines} | ${seconds.toFixed(2)} | ${mib.toFixed(0)} | ${load} |`);
      rmSync(image);
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
