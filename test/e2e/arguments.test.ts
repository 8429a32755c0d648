import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { silentLog } from '../../src/core/index.ts';
import { findUefi, proveAccelerators } from '../../src/host/index.ts';
import { buildCommand, type MachineInput, startMachine } from '../../src/machine/index.ts';
import { cases } from '../machine/cases.ts';
import { home } from './gvm.ts';
import { MachineFiles } from './machine-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'gvm-arguments-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const { kvm } = await proveAccelerators({ log: silentLog, cacheDir: home });
const inputs = cases()
  .filter(({ valid }) => valid)
  .map(({ name, input }) => [name, input()] as const);

it('there are enough cases to say something', () => {
  expect(inputs.length).toBeGreaterThanOrEqual(60);
  expect(cases().length - inputs.length).toBeGreaterThanOrEqual(20);
});

const hostArch = { x64: 'x86_64', arm64: 'aarch64' }[process.arch as string];

/** Why this host cannot take a case, where it cannot. */
function lacks({ accelerator, arch, boot }: MachineInput): string | undefined {
  if (accelerator === 'kvm' && arch !== hostArch) return `KVM runs no ${arch} guest on this host`;
  if (accelerator === 'kvm' && !kvm.fit) return kvm.reason;
  return boot.firmware === 'uefi' && !findUefi('/', arch) ? `no UEFI firmware for ${arch}` : undefined;
}

// Each in a folder of its own, because QEMU locks what a guest writes; vitest's maxConcurrency bounds their number.
describe.concurrent('QEMU takes the command line of', () => {
  for (const [name, input] of inputs) {
    it(name, async ({ expect, skip }) => {
      const missing = lacks(input);
      if (missing) skip(missing);
      const command = buildCommand(new MachineFiles(join(folder, name)).give(input));
      let status: string | undefined;
      await using machine = await startMachine(command, {
        log: silentLog,
        beforeGuest: async ({ qmp }) => {
          status = (await qmp.execute('query-status')).status;
        },
      });
      expect(status).toBe('prelaunch');
      const cabled = input.networks.some((network) => network.mode !== 'none');
      if (cabled) expect(await machine.forwardedPort()).toBeGreaterThan(1023);
      else await expect(machine.forwardedPort()).rejects.toMatchObject({ code: 'usage' });
      await machine.qmp.execute('quit');
      expect(await machine.exited).toMatchObject({ code: 0, signal: null });
    });
  }
});
