import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../src/core/index.ts';
import { spawnSupervised, unprivilegedAccount } from '../../src/process/index.ts';

const asRoot = process.getuid?.() === 0;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gvm-process-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Runs a shell script as a supervised child whose descriptor 3 is a socket, and returns what it wrote there. */
async function said(script: string, options: Partial<Parameters<typeof spawnSupervised>[0]> = {}): Promise<string> {
  await using child = await spawnSupervised({
    tool: 'sh',
    argv: ['-c', script],
    sockets: [{ fd: 3, name: 'out' }],
    log: silentLog,
    ...options,
  });
  return await text(child.socket('out'));
}

const openDescriptors = () => readdirSync('/proc/self/fd').length;

describe('spawnSupervised', () => {
  it('hands files over as descriptors, and neither keeps nor leaks any', async () => {
    const path = join(folder, 'secret');
    writeFileSync(path, 'content', { mode: 0o600 });
    const before = openDescriptors();
    const files = [{ fd: 4, path, flags: 'r' }];
    expect(await said('cat <&4 >&3; ls -l /proc/self/fd | grep -c secret >&3', { files })).toBe('content1\n');
    await expect.poll(openDescriptors).toBe(before);
  });

  it('gives the child a session of its own, which a terminal does not signal', async () => {
    const script = 'read -r pid name state parent group session rest < /proc/$$/stat; echo $((session - $$)) >&3';
    expect(await said(script)).toBe('0\n');
  });

  it('joins the two ends of a socket', async () => {
    await using child = await spawnSupervised({
      tool: 'cat',
      argv: ['/proc/self/fd/0'],
      sockets: [{ fd: 3, name: 'wire' }],
      log: silentLog,
    });
    expect(() => child.socket('other')).toThrow('no socket other');
    expect(await child.exited).toMatchObject({ code: 0, signal: null });
  });

  it('keeps the end of a long standard error', async () => {
    await using child = await spawnSupervised({
      tool: 'sh',
      argv: ['-c', 'yes | head -c 1000000 >&2; echo last words >&2; exit 3'],
      log: silentLog,
    });
    const exit = await child.exited;
    expect(exit.code).toBe(3);
    expect(exit.stderr.endsWith('last words\n')).toBe(true);
    expect(exit.stderr.length).toBeLessThan(200_000);
  });

  it('takes privileges away', async () => {
    const account = unprivilegedAccount();
    const status = await said('cat /proc/self/status >&3', { account });
    expect(status).toMatch(/^NoNewPrivs:\t1$/m);
    if (!asRoot) return;
    expect(status).toMatch(new RegExp(`^Uid:(\\t${account?.uid}){4}$`, 'm'));
    expect(status).toMatch(/^Groups:\t\s*$/m);
    expect(status).toMatch(/^CapEff:\t0+$/m);
    expect(await said('cat /etc/shadow >&3 2>&3', { account })).toContain('Permission denied');
  });

  it('says that a tool is missing, and closes what it had opened', async () => {
    const before = openDescriptors();
    const start = spawnSupervised({ tool: 'gvm-no-such-tool', argv: [], log: silentLog });
    await expect(start).rejects.toMatchObject({ code: 'tool-missing' });
    const files = [
      { fd: 3, path: '/dev/null', flags: 'r' },
      { fd: 4, path: join(folder, 'none'), flags: 'r' },
    ];
    await expect(spawnSupervised({ tool: 'true', argv: [], files, log: silentLog })).rejects.toThrow('ENOENT');
    expect(openDescriptors()).toBe(before);
  });

  it('kills its child when it is disposed of', async () => {
    const child = await spawnSupervised({ tool: 'sleep', argv: ['60'], log: silentLog });
    await child[Symbol.asyncDispose]();
    expect(await child.exited).toMatchObject({ signal: 'SIGKILL' });
  });

  it('keeps a record while its child runs', async () => {
    await using child = await spawnSupervised({ tool: 'sleep', argv: ['60'], log: silentLog, recordDir: folder });
    const [name = ''] = readdirSync(folder);
    expect(JSON.parse(readFileSync(join(folder, name), 'utf8'))).toMatchObject({
      tool: 'sleep',
      child: { pid: child.pid },
      owner: { pid: process.pid },
    });
    child.kill('SIGKILL');
    await child.exited;
    expect(readdirSync(folder)).toEqual([]);
  });
});
