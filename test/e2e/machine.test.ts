import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { monotonic, pause, silentLog } from '../../src/core/index.ts';
import { runProof } from '../../src/host/accelerator/prove.ts';
import { chooseAccelerator, findUefi, proveAccelerators } from '../../src/host/index.ts';
import {
  buildCommand,
  hostTrouble,
  type Machine,
  type MachineInput,
  pasteableCommand,
  startMachine,
} from '../../src/machine/index.ts';
import { processIdentity } from '../../src/process/index.ts';
import { files } from '../machine/cases.ts';
import { repository } from './gvm.ts';
import { MachineFiles } from './machine-files.ts';

let folder: string;
let real: MachineFiles;
const uefi = findUefi();
const log = silentLog;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gvm-machine-'));
  real = new MachineFiles(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Everything that the guest writes on its serial line until it matches. */
async function serialUntil(machine: Machine, pattern: RegExp): Promise<string> {
  let text = '';
  for await (const chunk of machine.serial) {
    text += chunk;
    if (pattern.test(text)) return text;
  }
  throw new Error(`the serial line ended with ${JSON.stringify(text)}`);
}

describe('a machine', () => {
  const base = () => real.of('bios-virtio');

  it('boots from its disk, writes nothing below the overlay, and powers off', async () => {
    const before = statSync(real.path(files.base)).mtimeMs;
    await using machine = await startMachine(buildCommand(base()), { log });
    expect(await serialUntil(machine, /hello from the disk/)).toContain('SeaBIOS');
    const events = machine.qmp.events();
    await machine.kill();
    expect(await machine.exited).toMatchObject({ signal: 'SIGKILL' });
    for await (const event of events) expect(event.name).not.toBe('BLOCK_IO_ERROR');
    expect(statSync(real.path(files.base)).mtimeMs).toBe(before);
    expect(processIdentity(machine.pid)).toBeUndefined();
  });

  it.runIf(uefi)('boots by UEFI, with variables of its own', async () => {
    const code = uefi && statSync(uefi.code).mtimeMs;
    await using machine = await startMachine(buildCommand(real.of('uefi-virtio')), { log });
    expect(await serialUntil(machine, /BdsDxe: \w+/)).toContain('BdsDxe');
    expect(uefi && statSync(uefi.code).mtimeMs).toBe(code);
  });

  it('runs as pasted from --dry-run', async () => {
    const shell = spawn('sh', ['-c', `exec ${pasteableCommand(base())}`], { stdio: ['pipe', 'pipe', 'inherit'] });
    let text = '';
    let ended = false;
    for await (const chunk of shell.stdout) {
      text += chunk;
      if (ended || !text.includes('hello from the disk')) continue;
      // Ctrl-A x ends QEMU on a terminal.
      shell.stdin.write('\x01x');
      ended = true;
    }
    expect(text).toContain('hello from the disk');
    if (shell.exitCode === null) await once(shell, 'exit');
  });

  it('that QEMU refuses fails with its words', async () => {
    await expect(startMachine(buildCommand({ ...base(), cpu: 'i8086' }), { log })).rejects.toMatchObject({
      code: 'qemu-start',
      exitCode: 4,
      message: expect.stringContaining("unable to find CPU model 'i8086'"),
      hint: '`qemu-system-x86_64 -cpu help` lists the models',
    });
  });

  it('that cannot have its memory says so', async () => {
    await expect(startMachine(buildCommand({ ...base(), memory: 2 ** 50 }), { log })).rejects.toMatchObject({
      code: 'qemu-start',
    });
  });

  it('whose file is missing does not start', async () => {
    const disks = [{ ...(base().disks[0] as MachineInput['disks'][number]) }];
    disks[0]?.layers.splice(0, 1, { path: join(folder, 'none.qcow2'), format: 'qcow2' });
    await expect(startMachine(buildCommand({ ...base(), disks }), { log })).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('whose disk another program writes says so', async () => {
    await using first = await startMachine(buildCommand(base()), { log });
    await expect(startMachine(buildCommand(base()), { log })).rejects.toMatchObject({
      code: 'qemu-start',
      hint: 'another program has the disk file open for writing; end it, or give gvm a copy',
    });
    await first.kill();
  });

  it('ends with the signal that cancels its start', async () => {
    const abort = new AbortController();
    let pid = 0;
    const start = startMachine(buildCommand(base()), {
      log,
      signal: abort.signal,
      beforeGuest: (machine) => {
        pid = machine.pid;
        abort.abort(new Error('cancelled'));
      },
    });
    await expect(start).rejects.toThrow('cancelled');
    expect(processIdentity(pid)).toBeUndefined();
  });
});

/** A boot sector that writes one sector into each cluster of 64 KiB of its disk, without end. */
const WRITER = Buffer.from(
  '31c08ed88ec08ed0bc007cbe1d7cb80043b280cd138106257c8000ebee10000100007c00008000000000000000',
  'hex',
);

describe.runIf(process.getuid?.() === 0)('a full disk of the host', () => {
  it('is told by an event, while the guest stands still', async ({ skip }) => {
    const small = join(folder, 'small');
    mkdirSync(small);
    const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'gvm-test', small]);
    if (mount.status !== 0) skip('root may not mount in this container');
    try {
      const sector = Buffer.alloc(512);
      WRITER.copy(sector);
      sector.writeUInt16LE(0xaa55, 510);
      const base = join(folder, 'writer.raw');
      writeFileSync(base, Buffer.concat([sector, Buffer.alloc(64 * 2 ** 20 - 512)]));
      const overlay = join(small, 'overlay.qcow2');
      execFileSync('qemu-img', ['create', '-f', 'qcow2', '-b', base, '-F', 'raw', overlay], { stdio: 'ignore' });
      const layers: MachineInput['disks'][number]['layers'] = [
        { path: overlay, format: 'qcow2' },
        { path: base, format: 'raw' },
      ];
      const disks = [{ ...(real.of('bios-virtio').disks[0] as MachineInput['disks'][number]), layers }];
      const troubles: unknown[] = [];
      await using machine = await startMachine(buildCommand({ ...real.of('bios-virtio'), disks }), {
        log,
        beforeGuest: ({ qmp }) => void qmp.onEvent((event) => troubles.push(hostTrouble(event))),
      });
      machine.serial.resume();
      await expect
        .poll(() => troubles.find(Boolean), { timeout: 20_000 })
        .toMatchObject({
          code: 'disk-full',
          message: "QEMU could not write the guest's disk system-0: no space is left on the host",
        });
      expect((await machine.qmp.execute('query-status')).status).toBe('io-error');
    } finally {
      execFileSync('umount', [small]);
    }
  });
});

describe('the proof of the accelerators', () => {
  it('ends within seconds, by TCG with yes, by KVM with a reason', async () => {
    const began = monotonic();
    const proof = await proveAccelerators({ log, fresh: true });
    expect(monotonic() - began).toBeLessThan(5000);
    expect(proof.tcg.fit, proof.tcg.reason).toBe(true);
    expect(proof.tcg.scale).toBeGreaterThan(1);
    if (proof.kvm.fit) {
      expect(proof.kvm.loop).toBeLessThan(20);
      expect(chooseAccelerator('auto', proof).name).toBe('kvm');
    } else {
      expect(proof.kvm.reason).not.toBe('');
      expect(chooseAccelerator('auto', proof)).toMatchObject({ name: 'tcg', fallback: true });
      expect(() => chooseAccelerator('kvm', proof)).toThrow(expect.objectContaining({ exitCode: 4 }));
      // A KVM that fails with the host's CPU model is tried with a plain one as well: the verdict must not depend on it.
      const plain = await runProof('kvm', 'qemu64', 2000, { log });
      expect(plain).toMatchObject({ fit: false, reason: expect.stringMatching(/./) });
      expect(plain.took).toBeLessThan(4000);
    }
  });

  it('is remembered until it is asked for afresh', async () => {
    const cacheDir = join(folder, 'cache');
    const first = await proveAccelerators({ log, cacheDir });
    const file = join(cacheDir, 'accelerator.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace(/a guest ran/, 'a guest once ran'));
    expect((await proveAccelerators({ log, cacheDir })).tcg.reason).toMatch(/^a guest once ran/);
    expect((await proveAccelerators({ log, cacheDir, fresh: true })).tcg.fit).toBe(first.tcg.fit);
    expect((await proveAccelerators({ log, cacheDir })).tcg.reason).toMatch(/^a guest ran/);
  });
});

describe('a gvm that is killed outright', () => {
  const room = join(repository, 'dist/machine/index.js');
  const program = `
    const { buildCommand, startMachine } = await import(process.argv[1]);
    const log = { warn() {}, info() {}, detail() {} };
    console.log('starting');
    await startMachine(buildCommand(JSON.parse(process.argv[2])), { log });
    console.log('started');
    setInterval(() => {}, 1000);`;

  /** Processes whose command line names the guest. */
  const named = (name: string) =>
    readdirSync('/proc').filter((pid) => {
      if (!/^\d+$/.test(pid) || !processIdentity(Number(pid))) return false;
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(`guest=${name}`);
      } catch {
        return false;
      }
    });

  it.each(['starting', 'started'])('when it has said "%s" leaves no QEMU behind', async (moment) => {
    const name = `gvm-${process.pid}-${moment}`;
    const input = JSON.stringify({ ...real.of('bios-virtio'), name });
    // Later and later in the window in which a child has no death signal yet.
    for (const delay of moment === 'starting' ? [0, 5, 10, 15, 20, 30, 50, 80] : [0]) {
      const args = ['--input-type=module', '-e', program, room, input];
      const owner = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      let said = '';
      for await (const chunk of owner.stdout) {
        said += chunk;
        if (said.includes(moment)) break;
      }
      expect(said).toContain(moment);
      if (moment === 'started') expect(named(name)).toHaveLength(1);
      await pause(delay);
      owner.kill('SIGKILL');
      if (owner.exitCode === null && owner.signalCode === null) await once(owner, 'exit');
      await expect.poll(() => named(name), { timeout: 5000 }).toEqual([]);
    }
  });
});
