import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Channel, download, serveChannels, servedChannel, upload } from '../../src/guest/index.ts';
import type { Guest } from '../../src/lab/index.ts';
import { sha256 } from './gvm.ts';
import { openTestLab, type TestLab } from './test-lab.ts';

let bench: TestLab;
let guest: Guest;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gvm-channels-'));
  bench = await openTestLab();
  guest = await bench.lab.start(await bench.describe('channels'));
});
afterAll(async () => {
  await bench?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const ways: readonly [string, () => Channel][] = [
  ['ssh', () => guest.channel()],
  ['console', () => guest.console],
];

describe.each(ways)('over %s', (name, channelOf) => {
  const exec: Channel['exec'] = (command, options) =>
    channelOf().exec(command, { timeout: 60_000 * guest.scale, ...options });
  const sh = async (command: string) => (await exec(command)).stdout.toString('utf8').trim();

  test('ten megabytes go in and come back the same', async () => {
    const [from, back] = [join(folder, `random-${name}`), join(folder, `back-${name}`)];
    writeFileSync(from, randomBytes(10_000_000));
    await upload(channelOf(), { from, to: '/root/random', mode: 0o640, owner: 'nobody:adm' });
    expect(await sh('sha256sum </root/random; stat -c "%a %U:%G" /root/random')).toBe(
      `${sha256(from)}  -\n640 nobody:adm`,
    );
    await download(channelOf(), { from: '/root/random', to: back });
    expect(sha256(back)).toBe(sha256(from));
    await sh('rm /root/random');
  });

  test('a tree keeps modes, owners and links; what leads out of it is named', async () => {
    const [from, back] = [join(folder, `tree-${name}`), join(folder, `tree-${name}-back`)];
    mkdirSync(join(from, 'sub'), { recursive: true });
    writeFileSync(join(from, 'sub', 'ünï " code'), 'x', { mode: 0o601 });
    execFileSync('ln', [join(from, 'sub', 'ünï " code'), join(from, 'twin')]);
    symlinkSync('sub/ünï " code', join(from, 'link'));
    await upload(channelOf(), { from, to: `/root/${name}/tree` });
    // The folder itself is changed by the link below.
    const list = `find . -mindepth 1 -printf '%P %y %m %n %l %Ty%Tj%TH%TM\\n' | sort`;
    const here = (cwd: string) => execFileSync('sh', ['-c', list], { cwd }).toString().trim();
    expect(await sh(`cd /root/${name}/tree && ln -s /etc/passwd out && find . -not -user root`)).toBe('');
    const { leftOut } = await download(channelOf(), { from: `/root/${name}/tree`, to: back });
    expect(leftOut).toEqual([{ path: 'out', reason: 'a link that leads out of the folder, to /etc/passwd' }]);
    expect(here(back)).toBe(here(from));
  });

  test('all bytes, long lines and floods come as they are', async () => {
    const all = Array.from({ length: 256 }, (_, i) => `\\${i.toString(8).padStart(3, '0')}`).join('');
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    const both = await exec(`printf '${all}'; printf '${all}' >&2`);
    expect([both.stdout, both.stderr]).toEqual([bytes, bytes]);
    const line = await exec('head -c 1000000 /dev/zero | tr "\\0" x; echo', { maxOutput: 2e6 });
    expect(createHash('sha256').update(line.stdout).digest('hex')).toBe(
      createHash('sha256')
        .update(`${'x'.repeat(1_000_000)}\n`)
        .digest('hex'),
    );
    let seen = 0;
    const flood = exec('yes', {
      timeout: 1000 * guest.scale,
      maxOutput: 1000,
      onStdout: (chunk) => {
        seen += chunk.length;
      },
    });
    await expect(flood).rejects.toMatchObject({ code: 'deadline' });
    expect(seen).toBeGreaterThan(100_000);
    expect(await sh('echo next')).toBe('next');
  });

  test('exit codes, signals and closed streams are told', async () => {
    expect(await exec('exit 7')).toMatchObject({ exitCode: 7, signal: null });
    expect(await exec('exit 255')).toMatchObject({ exitCode: 255, signal: null });
    expect(await exec('kill -TERM $$')).toMatchObject({ exitCode: null, signal: 'TERM' });
    expect(await exec('kill -KILL $$')).toMatchObject({ exitCode: null, signal: 'KILL' });
    expect(await exec('cat; exec <&- >&-; echo err >&2; exec 2>&-; exit 3')).toMatchObject({
      exitCode: 3,
      stdout: Buffer.alloc(0),
      stderr: Buffer.from('err\n'),
    });
  });

  test('a command that hangs is killed, what has a session of its own is not', async () => {
    const [daemon, late] = name === 'ssh' ? ['sleep 1001', 'sleep 1002'] : ['sleep 2001', 'sleep 2002'];
    const command = `setsid ${daemon} & ${late}`;
    await expect(exec(command, { timeout: 500 * guest.scale })).rejects.toMatchObject({ code: 'deadline' });
    const left = `pgrep -afx "${daemon}|${late}" | cut -d " " -f 2-`;
    await expect.poll(() => sh(left), { timeout: 20_000 }).toBe(daemon);
    await sh(`pkill -fx "${daemon}"`);
    const began = performance.now();
    expect(await sh('(sleep 1003; echo late) & echo now')).toBe('now');
    expect(performance.now() - began).toBeLessThan(5000 * guest.scale);
    expect(await sh('pkill -fxc "sleep 1003"')).toBe('1');
  });
});

test('a responder that ends in the middle of a command fails it at once; a new one is greeted', async () => {
  const began = performance.now();
  const cut = expect(guest.console.exec('sleep 1004', { timeout: 600_000 })).rejects.toMatchObject({
    code: 'channel-closed',
  });
  await guest
    .channel()
    .exec('until pgrep -fx "sleep 1004"; do sleep 0.1; done; pkill -KILL -f "^/bin/busybox sh /usr/lib/gvm/channel"');
  await cut;
  expect(performance.now() - began).toBeLessThan(10_000 * guest.scale);
  await guest.channel().exec('pkill -fx "sleep 1004"; rc-service gvm-channel zap; rc-service gvm-channel start');
  expect((await guest.console.exec('echo again')).stdout.toString()).toBe('again\n');
});

test('other processes send their commands through the owner', async () => {
  const path = join(folder, 'guests.sock');
  await using _server = await serveChannels(path, () => guest.console);
  const served = servedChannel(path, 'channels', 'console');
  expect((await served.exec('cat /etc/hostname')).stdout.toString()).toBe('channels\n');
  await download(served, { from: '/etc/hostname', to: join(folder, 'hostname') });
  expect(readdirSync(folder)).toContain('hostname');
});

test('a guest without a network is ready over its console channel', async () => {
  const spec = await bench.describe('alone', { network: 'none' });
  expect(spec.channel).toBe('console');
  await using alone = await bench.lab.start(spec);
  expect(alone.ssh).toBeUndefined();
  expect((await alone.channel().exec('hostname')).stdout.toString()).toBe('alone\n');
  const running = expect(alone.channel().exec('sleep 1000', { timeout: 600_000 })).rejects.toMatchObject({
    code: 'channel-closed',
  });
  const began = performance.now();
  process.kill(alone.pid, 'SIGKILL');
  await running;
  expect(performance.now() - began).toBeLessThan(5000);
});
