import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { learnt, run } from '../e2e/learnt.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gvm-e2e-learn-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('a suite learnt of a live guest holds of the next one, and fails of one that was changed', async () => {
  const file = await learnt(folder, 'live.gvm.yaml', 'openrc');
  const { code, tests, failed } = await run(folder, file);
  expect(failed).toEqual([]);
  expect(code).toBe(0);
  expect(tests.map(({ name }) => name)).toEqual([
    'runs its kernel',
    'reaches its runlevel',
    'starts its services',
    'listens on its ports, and where it should',
    'has its file systems mounted',
    'has its accounts',
    'has its important files, with their modes and owners',
    'has these setuid and setgid programs, and no other',
    'has its packages',
  ]);
  const changed = join(folder, 'changed.gvm.yaml');
  writeFileSync(changed, readFileSync(file));
  const change = 'chmod 600 /etc/fstab; rc-service klog stop; usermod -s /bin/sh root; chmod 4755 /bin/true';
  appendFileSync(changed, `setup:\n  - command: { run: ${JSON.stringify(change)} }\n`);
  const after = await run(folder, changed);
  expect(after.failed).toEqual([
    ['starts its services', 'state: expected "started", found "stopped"'],
    ['has its accounts', 'shell: expected "/bin/bash", found "/bin/sh"'],
    ['has its important files, with their modes and owners', 'mode: expected "0644", found "0600"'],
    ['has these setuid and setgid programs, and no other', expect.stringContaining('/usr/bin/true')],
  ]);
  expect(after.code).toBe(1);
});

test('of a guest under systemd, root learns more than its login user, and both suites hold', async () => {
  const own = await learnt(folder, 'user.gvm.yaml', 'gentoo-twin-systemd');
  writeFileSync(join(folder, 'gvm.yaml'), 'machine: { login: { become: sudo } }\n');
  const root = await learnt(folder, 'root.gvm.yaml', 'gentoo-twin-systemd');
  const names: string[][] = [];
  for (const file of [own, root]) {
    const { code, tests, failed } = await run(folder, file);
    expect({ code, failed }).toEqual({ code: 0, failed: [] });
    names.push(tests.map(({ name }) => name));
  }
  expect(names[1]?.filter((name) => !names[0]?.includes(name))).toEqual([
    'has these setuid and setgid programs, and no other',
  ]);
  expect(readFileSync(own, 'utf8')).not.toContain('Not learnt: service');
});
