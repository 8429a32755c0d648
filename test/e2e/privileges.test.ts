import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLog, within } from '../../src/core/index.ts';
import { buildCommand, type Machine, type MachineInput, startMachine } from '../../src/machine/index.ts';
import { spawnSupervised, unprivilegedAccount } from '../../src/process/index.ts';
import { inputNamed } from '../machine/cases.ts';

const SECRET = '/etc/shadow';
const asRoot = process.getuid?.() === 0;
let folder: string;
let machine: Machine;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gvm-privileges-'));
  const overlay = join(folder, 'disk.qcow2');
  // Nobody but this user may read it: QEMU has it by its descriptor alone.
  execFileSync('qemu-img', ['create', '-f', 'qcow2', overlay, '16M'], { stdio: 'ignore' });
  execFileSync('chmod', ['600', overlay]);
  const screen = join(folder, 'screen.ppm');
  writeFileSync(screen, '');
  const base = inputNamed('bios-virtio');
  const disks: MachineInput['disks'] = [
    { id: 'system', layers: [{ path: overlay, format: 'qcow2' }], writable: true, bus: 'virtio', sector: 512 },
  ];
  machine = await startMachine(buildCommand({ ...base, disks, screen }), { log: silentLog });
});
afterEach(async () => {
  await machine?.kill();
  rmSync(folder, { recursive: true, force: true });
});

const status = () => readFileSync(`/proc/${machine.pid}/status`, 'utf8');

describe('QEMU', () => {
  it('has no new privileges, and its system calls are filtered', () => {
    expect(status()).toMatch(/^NoNewPrivs:\t1$/m);
    expect(status()).toMatch(/^Seccomp:\t2$/m);
  });

  it('can open nothing by name that it was not given', async () => {
    const node = { driver: 'file', 'node-name': 'secret', filename: SECRET, 'read-only': true };
    await expect(machine.qmp.execute('blockdev-add', node)).rejects.toMatchObject({
      code: 'qmp-failed',
      message: `QEMU refused blockdev-add: Could not open '${SECRET}': Permission denied`,
    });
  });

  it('is ended by the filter when it starts a process', async () => {
    await machine.qmp.execute('human-monitor-command', { 'command-line': 'migrate "exec:true"' }).catch(() => {});
    expect(await within(machine.exited, 5000)).toMatchObject({ signal: 'SIGSYS' });
  });
});

describe.runIf(asRoot)('QEMU of a gvm that is root', () => {
  it('is nobody, without groups and capabilities', () => {
    const account = unprivilegedAccount();
    const lines = status();
    expect(lines).toMatch(new RegExp(`^Uid:(\\t${account?.uid}){4}$`, 'm'));
    expect(lines).toMatch(new RegExp(`^Gid:(\\t${account?.gid}){4}$`, 'm'));
    expect(lines).toMatch(/^Groups:\t\s*$/m);
    expect(lines).toMatch(/^CapPrm:\t0+$/m);
  });

  it('runs in a set-up in which reading /etc/shadow fails', async () => {
    expect(readFileSync(SECRET, 'utf8')).not.toBe('');
    await using child = await spawnSupervised({
      tool: 'sh',
      argv: ['-c', `cat ${SECRET} >&3 2>&3; echo "code $?" >&3`],
      sockets: [{ fd: 3, name: 'out' }],
      account: unprivilegedAccount(),
      log: silentLog,
    });
    expect(await text(child.socket('out'))).toMatch(/^cat: .*Permission denied\ncode 1\n$/);
  });
});
