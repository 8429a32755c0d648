// The same questions to a powered-off disk, asked of gvm and of libguestfs in turns: a file, the whole listing, the
// inspection. Whole processes are timed, from their start to their end; libguestfs has its appliance built before.
// usage: npm run build && node bench/offline.mjs [--image IMAGE] [--runs N]
// needs, of Debian: libguestfs-tools and a kernel for its appliance (linux-image-amd64), about 250 MB with what they bring
import { existsSync, readdirSync } from 'node:fs';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chooseAccelerator, createLog, openStateFolders, openStore, proveAccelerators } from '../dist/index.js';
import { weigh } from './process.mjs';

const { values } = parseArgs({
  options: { image: { type: 'string', default: 'openrc' }, runs: { type: 'string', default: '3' } },
});
const kernels = existsSync('/boot') ? readdirSync('/boot').filter((name) => name.startsWith('vmlinuz')) : [];
if (!existsSync('/usr/bin/virt-inspector') || kernels.length === 0) {
  console.error('install libguestfs first: apt-get install --no-install-recommends libguestfs-tools linux-image-amd64');
  process.exit(4);
}
const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url));
const state = openStateFolders();
const log = createLog((line) => console.error(line), 0);
const accelerator = chooseAccelerator('auto', await proveAccelerators({ log, cacheDir: state.home }));
const disk = (await openStore(state.home).get(values.image))?.layers[0].path ?? values.image;
const env = {
  LIBGUESTFS_BACKEND: 'direct',
  ...(accelerator.name === 'kvm' ? {} : { LIBGUESTFS_BACKEND_SETTINGS: 'force_tcg' }),
};
const opened = ['--format=qcow2', '-a', disk];
const gvm = (...args) => weigh(process.execPath, [cli, ...args]);
const guestfs = (tool, ...args) => weigh(tool, args, env);
const lines = (text) => text.trimEnd().split('\n').length;

/** Each question, and what both answers must have in common. */
const questions = [
  {
    name: ['gvm cat', 'virt-cat'],
    gvm: () => gvm('cat', values.image, '/etc/os-release'),
    guestfs: () => guestfs('virt-cat', ...opened, '/etc/os-release'),
    same: [(text) => text, (text) => text],
  },
  {
    name: ['gvm ls -lR --json', 'virt-ls -lR --csv'],
    gvm: () => gvm('ls', '-lR', '--json', values.image),
    guestfs: () => guestfs('virt-ls', ...opened, '-lR', '--csv', '/'),
    // virt-ls lists the folder itself as well.
    same: [lines, (text) => lines(text) - 1],
  },
  {
    name: ['gvm inspect --fresh --json', 'virt-inspector'],
    gvm: () => gvm('inspect', '--fresh', '--json', values.image),
    guestfs: () => guestfs('virt-inspector', ...opened),
    same: [
      (text) => JSON.parse(text).sections.packages.packages.length,
      (text) => text.match(/<application>/g)?.length,
    ],
  },
];

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
const most = (list) => Math.max(...list.map(({ peak }) => peak));
const mib = (bytes) => `${Math.round(bytes / 2 ** 20)} MiB`;

console.error('building the appliance of libguestfs');
await guestfs('guestfish', '-a', '/dev/null', 'run');
const empty = await guestfs('guestfish', '-a', '/dev/null', 'run');
console.log(`${values.image}, libguestfs with ${accelerator.name}, ${values.runs} runs in turns, median seconds\n`);
console.log('| gvm | libguestfs | gvm | libguestfs | ratio: least to most | memory of gvm | of libguestfs |');
console.log('|---|---|---|---|---|---|---|');
for (const question of questions) {
  const [own, theirs] = [[], []];
  for (let run = 0; run < Number(values.runs); run++) {
    own.push(await question.gvm());
    theirs.push(await question.guestfs());
    const [mine, other] = question.same.map((of, side) => of([own, theirs][side].at(-1).output));
    if (mine !== other) throw new Error(`${question.name[0]}: ${mine}, ${question.name[1]}: ${other}`);
    const load = loadavg()[0]?.toFixed(1);
    console.error(
      `${question.name[0]}: ${own.at(-1).seconds.toFixed(2)} s, ${theirs.at(-1).seconds.toFixed(1)} s, load ${load}`,
    );
  }
  const ratios = own.map(({ seconds }, run) => theirs[run].seconds / seconds).sort((a, b) => a - b);
  const seconds = [own, theirs].map((list) => median(list.map((each) => each.seconds)).toFixed(2));
  const ratio = `${Math.floor(median(ratios))}: ${Math.floor(ratios[0])} to ${Math.floor(ratios.at(-1))}`;
  console.log(`| ${[...question.name, ...seconds, ratio, mib(most(own)), mib(most(theirs))].join(' | ')} |`);
}
console.log(`\nlibguestfs' appliance alone, without a disk: ${empty.seconds.toFixed(1)} s`);
console.log(`load of the host at the end: ${loadavg()[0]?.toFixed(1)}`);
