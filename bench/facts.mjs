// 100 facts of one guest, by gvm and by testinfra (Debian's python3-testinfra over its ssh backend with ControlPersist),
// in turns on the same guest. Both times include the connection and leave out the start of the interpreter.
// usage: npm run build && node bench/facts.mjs [--image IMAGE] [--runs N]
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  builtins,
  chooseAccelerator,
  createLog,
  describeGuest,
  loadSuite,
  openLab,
  openSsh,
  openStateFolders,
  openStore,
  proveAccelerators,
  runTest,
} from '../dist/index.js';

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '3' }, image: { type: 'string', default: 'openrc' } },
});
if (spawnSync('/usr/bin/python3', ['-c', 'import testinfra'], { stdio: 'ignore' }).status !== 0) {
  console.error('what is compared with is not here: apt-get install python3-testinfra');
  process.exit(4);
}
const range = (count) => Array.from({ length: count }, (_, i) => i);

const words = (text) => text.trim().split(/\s+/);
const files = [
  ...words(
    '/etc /etc/passwd /etc/group /etc/shadow /etc/fstab /etc/hostname /etc/hosts /etc/ssh /etc/ssh/sshd_config /root',
  ),
  ...words(
    '/ /bin /boot /dev /home /lib /mnt /opt /proc /run /sbin /srv /sys /tmp /usr /var /var/log /var/tmp /usr/lib',
  ),
  ...words('ls cp mv rm cat sed grep tar gzip find').map((name) => `/usr/bin/${name}`),
  '/usr/sbin/sshd',
];
const users = words(
  'root daemon bin sys sync games man lp mail news uucp proxy www-data backup list irc _apt nobody sshd',
);
const packages = words(
  'base-files base-passwd bash bsdutils coreutils dash debianutils diffutils dpkg findutils grep gzip hostname libc-bin login mount passwd sed tar util-linux',
);
const params = words(
  'kernel.ostype kernel.osrelease kernel.pid_max kernel.panic kernel.hostname kernel.shmmax vm.swappiness vm.overcommit_memory fs.file-max net.core.somaxconn net.ipv4.ip_forward',
);
/** Kind and subject of the 100 facts, no two of them the same. */
const facts = [
  ...files.map((path) => ['file', path]),
  ...users.map((name) => ['user', name]),
  ...packages.map((name) => ['package', name]),
  ...params.map((name) => ['param', name]),
  ...range(10).map((i) => ['port', 20 + i]),
];

const declarations = {
  file: (path) => `file: { path: ${path}, mode: { not: "0000" } }`,
  user: (name) => `user: { name: ${name}, uid: { ge: 0 } }`,
  package: (name) => `package: { name: ${name}, installed: true }`,
  param: (name) => `kernel-param: { name: ${name}, value: { not: { equals: "" } } }`,
  port: (port) => `port: { port: "tcp:${port}", listening: ${port === 22} }`,
};

/** The suite of the same facts, all in one test. */
function suite() {
  const kinds = Object.keys(declarations).map((kind) => {
    const own = facts.filter(([k]) => k === kind).map(([, subject]) => declarations[kind](subject));
    const [key] = own[0].split(':');
    return `    ${key}:\n${own.map((line) => `      - ${line.slice(key.length + 2)}\n`).join('')}`;
  });
  return `suite: facts\ntests:\n  - name: facts\n${kinds.join('')}`;
}

const python = `
import json, sys, time, testinfra
facts, where, key, control = json.loads(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
options = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o ControlPath=" + control
started = time.monotonic()
host = testinfra.get_host("ssh://" + where, ssh_identity_file=key, controlpersist=60, ssh_extra_args=options)
ask = {
  "file": lambda s: host.file(s).mode,
  "user": lambda s: host.user(s).uid,
  "package": lambda s: host.package(s).is_installed,
  "param": lambda s: host.sysctl(s),
  "port": lambda s: host.socket("tcp://%d" % s).is_listening,
}
found = [ask[kind](subject) for kind, subject in facts]
seconds = time.monotonic() - started
assert len(found) == 100 and all(f is not None for f in found), found
print(seconds)
`;

const log = createLog((line) => console.error(line), 0);
const state = openStateFolders();
const accelerator = chooseAccelerator('auto', await proveAccelerators({ log, cacheDir: state.home }));
/** What a test's needs are held against; these tests have none. */
const place = { arch: 'x86_64', memory: 2 ** 30, network: 'restricted', accelerator: accelerator.name };
const folder = mkdtempSync(join(tmpdir(), 'gvm-facts-'));
const lab = await openLab({ ...state, log, accelerator });
const times = { gvm: [], testinfra: [], load: [] };
try {
  const file = join(folder, 'facts.gvm.yaml');
  writeFileSync(file, suite());
  const [test] = (await loadSuite(file, builtins)).tests;
  const checks = test.steps.flat().length;
  if (checks !== 100) throw new Error(`${checks} checks`);
  const guest = await lab.start(
    await describeGuest({
      image: values.image,
      guest: 'facts',
      cwd: folder,
      recipes: [fileURLToPath(new URL('../images', import.meta.url))],
      store: openStore(state.home),
      layers: [],
      scale: lab.scale,
      log,
      version: 'bench',
    }),
  );
  for (const run of range(Number(values.runs))) {
    times.gvm.push(await byGvm(guest, test));
    times.testinfra.push(byTestinfra(guest, run));
    times.load.push(loadavg()[0]);
    console.error(
      `run ${run + 1}: gvm ${times.gvm.at(-1).toFixed(2)} s, testinfra ${times.testinfra.at(-1).toFixed(2)} s`,
    );
  }
  await guest.powerOff();
  await guest[Symbol.asyncDispose]();
} finally {
  await lab[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
}

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
const [gvm, testinfra] = [median(times.gvm), median(times.testinfra)];
console.log(
  `100 facts of ${values.image} (${accelerator.name}), ${values.runs} runs in turns, median seconds with connecting`,
);
console.log(`gvm ${gvm.toFixed(2)}, testinfra ${testinfra.toFixed(2)}: ${(testinfra / gvm).toFixed(1)} times faster`);
console.log(`load of the host: ${times.load.map((l) => l.toFixed(1)).join(' ')}`);

async function byGvm(guest, test) {
  const { signal } = new AbortController();
  const started = performance.now();
  const channel = await openSsh(guest.ssh, { signal, scale: guest.scale });
  const verdict = await runTest(test, { channel, registry: builtins, signal, scale: guest.scale, place });
  const seconds = (performance.now() - started) / 1000;
  await channel[Symbol.asyncDispose]();
  if (verdict.outcome !== 'passed') throw new Error(JSON.stringify(verdict.failures.slice(0, 3)));
  return seconds;
}

/** Each run has a connection of its own, which lasts for all facts of the run. */
function byTestinfra({ ssh }, run) {
  const control = join(folder, `control-${run}`);
  const where = `${ssh.user}@${ssh.host}:${ssh.port}`;
  const output = execFileSync('/usr/bin/python3', ['-c', python, JSON.stringify(facts), where, ssh.keyPath, control], {
    encoding: 'utf8',
  });
  execFileSync('ssh', ['-o', `ControlPath=${control}`, '-O', 'exit', where.replace(/:\d+$/, '')], { stdio: 'ignore' });
  return Number(output);
}
