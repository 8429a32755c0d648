import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { gvm, home } from './gvm.ts';
import { learnt, run } from './learnt.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gvm-e2e-learn-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('one learnt of a powered-off disk holds of it, and fails of a disk that was changed', async () => {
  const file = await learnt(folder, 'off.gvm.yaml', 'openrc', '--offline');
  expect(await run(folder, file, '--offline')).toMatchObject({ code: 0, failed: [] });
  const raw = join(folder, 'changed.raw');
  execFileSync('qemu-img', ['convert', '-O', 'raw', join(home, 'images/openrc/disk.qcow2'), raw]);
  const { volumes } = JSON.parse((await gvm(['partitions', raw, '--json'])).stdout) as {
    volumes: { volume: string; start: number }[];
  };
  const root = `${raw}?offset=${volumes.find(({ volume }) => volume === 'p2')?.start}`;
  execFileSync('debugfs', ['-w', '-R', 'sif /etc/fstab mode 0100600', root], { stdio: 'pipe' });
  const { code, failed } = await run(folder, file, '--offline', '--image', raw);
  expect(code).toBe(1);
  expect(failed).toEqual([
    ['has its important files, with their modes and owners', 'mode: expected "0644", found "0600"'],
  ]);
});

test('a file that exists is left as it is without --force, and a bad word ends before a boot', async () => {
  const file = join(folder, 'mine.gvm.yaml');
  writeFileSync(file, 'mine');
  const refused = await gvm(['learn', 'openrc', 'user:root', '--offline', '--output', file]);
  expect([refused.code, readFileSync(file, 'utf8')]).toEqual([2, 'mine']);
  expect(refused.stderr).toContain('--force writes over it');
  await learnt(folder, 'mine.gvm.yaml', 'openrc', 'user:root', '--offline', '--force');
  expect(readFileSync(file, 'utf8')).toContain('name: root\n');
  const machine = await gvm(['learn', 'openrc', '--offline', '--memory', '1G']);
  expect([machine.code, machine.stderr]).toEqual([2, expect.stringContaining('--memory: --offline boots nothing')]);
  const bad = await gvm(['learn', 'openrc', 'sevice:sshd']);
  expect([bad.code, bad.stderr]).toEqual([2, expect.stringContaining('did you mean service?')]);
});
