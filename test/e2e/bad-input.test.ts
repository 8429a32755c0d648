import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Finished, gvm, home, listing, mark, project, repository, sha256, survivors } from './gvm.ts';

const good = 'suite: s\ntests:\n  - name: t\n    file: { path: /etc/passwd, exists: true }\n';

/** One clear message: no stack trace, and the exit code of the design. */
function expectRefusal(result: Finished, code: number): void {
  expect(result.stderr).not.toMatch(/\n\s+at .*\.(ts|js):\d+/);
  expect(result.stderr).not.toContain('defect');
  expect({ code: result.code, stderr: result.stderr }).toMatchObject({ code });
}

describe('suites', () => {
  test.each([
    ['malformed YAML', 'suite: s\ntests:\n  - name: [t\n', /s\.gvm\.yaml:4:\d+|s\.gvm\.yaml:3:\d+/],
    ['a duplicate key', 'suite: s\nsuite: t\ntests: []\n', /s\.gvm\.yaml:2:1/],
    ['an unknown key', good.replace('exists', 'exist'), /s\.gvm\.yaml:4:32[\s\S]*exist[\s\S]*exists/],
    ['an unknown check', good.replace('file:', 'fil:'), /s\.gvm\.yaml:4:5[\s\S]*file/],
    ['an empty assertion', good.replace(', exists: true', ''), /s\.gvm\.yaml:4:\d+/],
    ['a file mode without quotes', good.replace('exists: true', 'mode: 0644'), /s\.gvm\.yaml:4:\d+[\s\S]*"0644"/],
    ['an unknown isolation', `isolation: vm\n${good}`, /s\.gvm\.yaml:1:12/],
    ['an empty file', '', /s\.gvm\.yaml:1:1/],
    ['an alias bomb', bomb(), /s\.gvm\.yaml/],
  ])('%s', async (_name, text, expected) => {
    const { folder, remove } = project({ 's.gvm.yaml': text });
    const result = await gvm(['test', 's.gvm.yaml'], { cwd: folder });
    remove();
    expectRefusal(result, 2);
    expect(result.stderr).toMatch(expected);
  });

  test('bytes that are no UTF-8', async () => {
    const { folder, remove } = project({});
    writeFileSync(join(folder, 's.gvm.yaml'), Buffer.from([0x73, 0xff, 0xfe, 0x00]));
    const result = await gvm(['test', 's.gvm.yaml'], { cwd: folder });
    remove();
    expectRefusal(result, 2);
    expect(result.stderr).toContain('UTF-8');
  });
});

function bomb(): string {
  const lines = ['a: &a [x, x, x, x, x, x, x, x, x]'];
  for (let i = 1; i < 9; i++) {
    const name = String.fromCharCode(97 + i);
    const last = String.fromCharCode(96 + i);
    lines.push(`${name}: &${name} [${Array(9).fill(`*${last}`).join(', ')}]`);
  }
  return lines.join('\n');
}

test.each([
  ['a path that does not exist', ['test', 'nowhere'], 2, /nowhere/],
  ['an unknown option', ['test', '--acel', 'tcg'], 2, /--acel[\s\S]*--accel/],
  ['an unknown command', ['tset'], 2, /tset[\s\S]*gvm test/],
  ['an option without its value', ['test', '--accel'], 2, /--accel KIND/],
  ['a bad value', ['test', '--memory', 'lots', 's.gvm.yaml'], 2, /--memory[\s\S]*lots/],
  ['an unknown image', ['test', '--image', 'openrv', 's.gvm.yaml'], 2, /openrv[\s\S]*openrc/],
  ['a pattern that matches nothing', ['test', '-t', 'nothing like this', 's.gvm.yaml'], 2, /nothing like this/],
  ['a tag that no test carries', ['test', '--tag', 'nightly', 's.gvm.yaml'], 2, /nightly/],
  ['a guest that does not run', ['stop', 'nobody'], 2, /nobody/],
  ['a guest that cannot be entered', ['ssh', 'nobody'], 125, /nobody/],
  [
    'append with another firmware',
    ['test', '--firmware', 'uefi', '--append', 'x', 's.gvm.yaml'],
    2,
    /append[\s\S]*direct/,
  ],
])('%s', async (_name, args, code, expected) => {
  const { folder, remove } = project({ 's.gvm.yaml': good });
  const result = await gvm(args, { cwd: folder });
  remove();
  expectRefusal(result, code);
  expect(result.stderr).toMatch(expected);
});

describe('images', () => {
  let at: ReturnType<typeof project>;
  const run = (...args: string[]) => gvm(['test', 's.gvm.yaml', '--image', ...args], { cwd: at.folder });

  beforeAll(() => {
    at = project({ 's.gvm.yaml': good });
    const make = (...args: string[]) => execFileSync('qemu-img', ['create', '-q', ...args], { cwd: at.folder });
    make('-f', 'qcow2', 'whole.qcow2', '64M');
    execFileSync('qemu-io', ['-f', 'qcow2', '-c', 'write 0 8M', 'whole.qcow2'], { cwd: at.folder });
    execFileSync('cp', ['whole.qcow2', 'cut.qcow2'], { cwd: at.folder });
    truncateSync(join(at.folder, 'cut.qcow2'), 2 ** 20);
    execFileSync('cp', ['whole.qcow2', 'mislabelled.img'], { cwd: at.folder });
    writeFileSync(join(at.folder, 'raw.qcow2'), Buffer.alloc(2 ** 20));
    writeFileSync(join(at.folder, 'disk.bin'), Buffer.alloc(2 ** 20));
    make('-f', 'qcow2', '-u', '-b', '/etc/passwd', '-F', 'raw', 'nosy.qcow2', '64M');
  });
  afterAll(() => at.remove());

  test.each([
    ['cut.qcow2', /cut\.qcow2/],
    ['mislabelled.img', /--format qcow2 if you trust this file/],
    ['raw.qcow2', /raw\.qcow2/],
    ['disk.bin', /--format/],
    ['nosy.qcow2', /\/etc\/passwd/],
    ['absent.qcow2', /absent\.qcow2/],
  ])('%s is refused', async (file, expected) => {
    const before = listing(at.folder);
    const result = await run(file);
    expectRefusal(result, 2);
    expect(result.stderr).toMatch(expected);
    expect(listing(at.folder)).toEqual(before);
    expect(await survivors()).toEqual([]);
  });
});

describe('hosts', () => {
  test('without QEMU', async () => {
    const { folder, remove } = project({ 's.gvm.yaml': good });
    const bin = join(folder, 'bin');
    mkdirSync(bin);
    for (const name of ['setpriv', 'qemu-img']) symlinkSync(`/usr/bin/${name}`, join(bin, name));
    const result = await gvm(['test', 's.gvm.yaml'], { cwd: folder, env: { PATH: bin } });
    remove();
    expectRefusal(result, 4);
    expect(result.stderr).toContain('qemu-system-x86_64 is not installed');
  });

  test('with a KVM that was asked for and does not work', async () => {
    const doctor = JSON.parse((await gvm(['doctor', '--json'])).stdout);
    if (doctor.accelerator.kvm.fit) return;
    const { folder, remove } = project({ 's.gvm.yaml': good });
    const started = Date.now();
    const result = await gvm(['test', 's.gvm.yaml', '--accel', 'kvm'], { cwd: folder });
    remove();
    expectRefusal(result, 4);
    expect(result.stderr).toContain('KVM does not work here');
    expect(Date.now() - started).toBeLessThan(10_000);
  });

  test('with a full disk', async () => {
    const full =
      'suite: s\ntests:\n  - name: t\n    command: { run: "dd if=/dev/urandom of=/root/big bs=1M count=16; sync" }\n';
    const { folder, remove } = project({ 's.gvm.yaml': full });
    const small = join(folder, 'home');
    mkdirSync(join(small, 'images'), { recursive: true });
    chmodSync(folder, 0o755);
    const base = join(home, 'images');
    const digests = readdirSync(base).map((name) => join(base, name, 'disk.qcow2'));
    const before = digests.map(sha256);
    // A store that is read from the real one, over a file system of 3 MB for all that the guest writes.
    const script = [
      `mount -t tmpfs -o size=3m none ${small}`,
      `mkdir ${small}/images`,
      `mount --bind ${base} ${small}/images`,
      `exec ${process.execPath} ${repository}/dist/cli.js test s.gvm.yaml`,
    ].join(' && ');
    const env = { ...process.env, GVM_HOME: small, ...Object.fromEntries([mark.split('=')]) };
    const result = await new Promise<Finished>((resolve) => {
      const args = ['--mount', '--map-root-user', 'sh', '-c', script];
      execFile('unshare', args, { cwd: folder, env }, (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code) : 0, signal: null, stdout, stderr }),
      );
    });
    remove();
    expect(result.stdout + result.stderr).toMatch(/no space is left on the host/);
    expectRefusal(result, 4);
    expect(digests.map(sha256)).toEqual(before);
    expect(await survivors()).toEqual([]);
  });
});
