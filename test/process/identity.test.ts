import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type ChildRecord,
  isSameProcess,
  killIdentified,
  processIdentity,
  reapChildren,
} from '../../src/process/index.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gvm-records-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function sleeper() {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  const identity = processIdentity(child.pid ?? -1);
  if (!identity) throw new Error('sleep did not start');
  return { child, identity };
}

describe('processIdentity', () => {
  it('names this process', () => {
    const me = processIdentity(process.pid);
    expect(me && isSameProcess(me)).toBe(true);
    expect(processIdentity(2 ** 22 + 1)).toBeUndefined();
  });

  it('is of no use for another process with the same number', async () => {
    const { child, identity } = sleeper();
    const other = { ...identity, startTime: '1' };
    expect(isSameProcess(other)).toBe(false);
    expect(await killIdentified(other)).toBe(true);
    expect(child.exitCode).toBeNull();
    expect(await killIdentified(identity)).toBe(true);
    expect(isSameProcess(identity)).toBe(false);
  });

  it('counts a process that is not yet reaped as gone', async () => {
    const shell = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const [line] = await once(shell.stdout, 'data');
    await expect.poll(() => processIdentity(Number(String(line)))).toBeUndefined();
    shell.kill('SIGKILL');
  });
});

describe('reapChildren', () => {
  const write = (name: string, record: ChildRecord) => writeFileSync(join(folder, name), JSON.stringify(record));

  it('ends the children of owners that are gone, and only those', async () => {
    const [orphan, owned] = [sleeper(), sleeper()];
    const me = processIdentity(process.pid);
    if (!me) throw new Error('no identity');
    write('child-1.json', { tool: 'sleep', child: orphan.identity, owner: { ...me, startTime: '1' } });
    write('child-2.json', { tool: 'sleep', child: owned.identity, owner: me });
    writeFileSync(join(folder, 'child-3.json'), '{"tool":');
    writeFileSync(join(folder, 'notes.txt'), 'not ours');
    expect(await reapChildren(folder)).toEqual([orphan.identity.pid]);
    expect(isSameProcess(orphan.identity)).toBe(false);
    expect(isSameProcess(owned.identity)).toBe(true);
    expect(readdirSync(folder).sort()).toEqual(['child-2.json', 'child-3.json', 'notes.txt']);
    owned.child.kill('SIGKILL');
  });
});
