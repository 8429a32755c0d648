import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLog } from '../../src/core/index.ts';
import { listOwners, reapRuns } from '../../src/lab/index.ts';
import { createRunFolders, removeRunFolders } from '../../src/lab/run-folder.ts';
import { isSameProcess, processIdentity } from '../../src/process/index.ts';

let roots: { home: string; runtime: string };
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gvm-runs-'));
  roots = { home: join(folder, 'home'), runtime: join(folder, 'runtime') };
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The record of a process that has ended. */
async function dead(): Promise<object> {
  const child = spawn('sleep', ['60']);
  const identity = processIdentity(child.pid ?? 0);
  child.kill('SIGKILL');
  await once(child, 'exit');
  return { ...identity };
}

test('a run is owned from its first moment, and its folders go with it', () => {
  const folders = createRunFolders(roots);
  expect(listOwners(roots.runtime)).toMatchObject([{ run: folders.run, process: { pid: process.pid } }]);
  removeRunFolders(folders, []);
  expect([...readdirSync(roots.runtime), ...readdirSync(join(roots.home, 'runs'))]).toEqual([]);
});

test('kept guests outlive their run, and reaping leaves them alone', async () => {
  const folders = createRunFolders(roots);
  for (const guest of ['kept', 'other']) mkdirSync(join(folders.guests, guest));
  removeRunFolders(folders, ['kept']);
  await reapRuns(roots, silentLog);
  expect(readdirSync(folders.guests)).toEqual(['kept']);
});

test('of kept runs the newest five stay', async () => {
  for (let i = 0; i < 13; i++) {
    const folders = createRunFolders(roots);
    mkdirSync(join(folders.guests, 'kept'));
    removeRunFolders(folders, ['kept']);
  }
  await reapRuns(roots, silentLog);
  expect(readdirSync(join(roots.home, 'runs'))).toHaveLength(5);
});

test('what a dead owner left is ended and removed, what a live one has is not', async () => {
  const live = createRunFolders(roots);
  const left = createRunFolders(roots);
  const owner = await dead();
  writeFileSync(join(left.runtime, 'owner.json'), JSON.stringify(owner));
  mkdirSync(join(left.guests, 'guest'));
  const stray = spawn('sleep', ['60']);
  const other = spawn('sleep', ['60']);
  const child = processIdentity(stray.pid ?? 0);
  const record = { tool: 'qemu-system-x86_64', child, owner };
  writeFileSync(join(left.children, `child-${stray.pid}.json`), JSON.stringify(record));
  // The number of another process, with a start time that is not its own: never to be killed.
  const reused = { ...record, child: { ...processIdentity(other.pid ?? 0), startTime: '1' } };
  writeFileSync(join(left.children, `child-${other.pid}.json`), JSON.stringify(reused));
  mkdirSync(join(roots.runtime, '0123abcd.4194304'));
  await reapRuns(roots, silentLog);
  expect(child && isSameProcess(child)).toBe(false);
  expect(other.exitCode).toBeNull();
  expect(processIdentity(other.pid ?? 0)).toBeDefined();
  other.kill('SIGKILL');
  expect(readdirSync(roots.runtime)).toEqual([live.run]);
  expect(readdirSync(join(roots.home, 'runs'))).toEqual([live.run]);
});

test('guests whose runtime folder went with an earlier boot of the host are removed', async () => {
  const folders = createRunFolders(roots);
  const record = join(folders.guests, 'owner.json');
  rmSync(folders.runtime, { recursive: true });
  await reapRuns(roots, silentLog);
  expect(existsSync(folders.guests)).toBe(true);
  const { hostname } = await import('node:os');
  writeFileSync(record, JSON.stringify({ ...(await dead()), host: hostname() }));
  await reapRuns(roots, silentLog);
  expect(existsSync(folders.guests)).toBe(false);
});
