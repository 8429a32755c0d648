import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Channel, download, upload } from '../../src/guest/index.ts';
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

const ways: readonly [string, () => Channel][] = [['ssh', () => guest.channel()]];

describe.each(ways)('over %s', (name, channelOf) => {
  const sh = async (command: string) => (await channelOf().exec(command)).stdout.toString('utf8').trim();

  test('ten megabytes go in and come back the same', async () => {
    const [from, back] = [join(folder, 'random'), join(folder, `back-${name}`)];
    writeFileSync(from, randomBytes(10_000_000));
    await upload(channelOf(), { from, to: '/root/random', mode: 0o640, owner: 'nobody:adm' });
    expect(await sh('sha256sum </root/random; stat -c "%a %U:%G" /root/random')).toBe(
      `${sha256(from)}  -\n640 nobody:adm`,
    );
    await download(channelOf(), { from: '/root/random', to: back });
    expect(sha256(back)).toBe(sha256(from));
    await sh('rm /root/random');
  });

  test('a tree keeps modes, owners and links', async () => {
    const [from, back] = [join(folder, `tree-${name}`), join(folder, `tree-${name}-back`)];
    mkdirSync(join(from, 'sub'), { recursive: true });
    writeFileSync(join(from, 'sub', 'ünï " code'), 'x', { mode: 0o601 });
    execFileSync('ln', [join(from, 'sub', 'ünï " code'), join(from, 'twin')]);
    symlinkSync('sub/ünï " code', join(from, 'link'));
    await upload(channelOf(), { from, to: '/root/deep/tree' });
    const list = `find . -printf '%P %y %m %n %l %Ty%Tj%TH%TM\\n' | sort`;
    expect(await sh(`cd /root/deep/tree && ${list}`)).toBe(
      execFileSync('sh', ['-c', list], { cwd: from }).toString().trim(),
    );
    expect(await sh('find /root/deep -not -user root')).toBe('');
    await download(channelOf(), { from: '/root/deep/tree', to: back });
    expect(execFileSync('sh', ['-c', list], { cwd: back }).toString()).toBe(
      execFileSync('sh', ['-c', list], { cwd: from }).toString(),
    );
  });

  test('a folder of the system comes out whole, what leads out of it is named', async () => {
    const to = join(folder, `etc-${name}`);
    const { leftOut, files } = await download(channelOf(), { from: '/etc', to });
    expect(files).toBeGreaterThan(100);
    expect(leftOut.map((l) => l.path)).toContain('runlevels/default/sshd');
    expect(readdirSync(to)).toContain('passwd');
    expect(execFileSync('find', [to, '-type', 'f']).toString().split('\n').length - 1).toBe(
      Number(await sh('find /etc -type f | wc -l')),
    );
  });
});
