import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { layerMachine } from '../../src/config/index.ts';
import { machineInput } from '../../src/lab/hardware.ts';
import type { GuestBoot } from '../../src/lab/index.ts';
import type { DiskLayer, MachineInput } from '../../src/machine/index.ts';
import { loadDocument, machineSchema } from '../../src/schema/index.ts';

export const folder = fileURLToPath(new URL('golden', import.meta.url));
const SEPARATOR = '---\n';

/** The head of a golden file: a host and an image as declared, and machine keys as a user writes them. */
const head = z.strictObject({
  host: z.strictObject({ accelerator: z.enum(['kvm', 'tcg']).default('tcg') }).prefault({}),
  image: z
    .strictObject({ format: z.enum(['qcow2', 'raw']).default('qcow2'), append: z.string().default('') })
    .prefault({}),
  machine: machineSchema,
});

/** The files that the command lines of the golden files name. */
export const files = {
  base: '/images/base.qcow2',
  raw: '/images/base.raw',
  overlay: '/run/overlay.qcow2',
  rawOverlay: '/run/raw-overlay.qcow2',
  seed: '/run/seed.img',
  screen: '/run/screen.ppm',
  kernel: '/images/vmlinuz',
  initrd: '/images/initrd',
  code: '/firmware/code.fd',
  vars: '/run/vars.fd',
  armCode: '/firmware/aarch64-code.fd',
  armVars: '/run/aarch64-vars.fd',
  disk: (number: number) => `/run/disk${number}.qcow2`,
};

export interface Case {
  name: string;
  file: string;
  /** The head with its separator, as it stands in the file. */
  head: string;
  /** Whether QEMU is expected to take it. */
  valid: boolean;
  /** The machine that the keys describe. @throws GvmError where they describe none */
  input(): MachineInput;
}

/** Every golden file, in the order of their names. */
export function cases(): Case[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.txt') && !name.startsWith('paste-'));
  return names.sort().map((entry) => {
    const file = join(folder, entry);
    const text = readFileSync(file, 'utf8');
    const end = text.indexOf(SEPARATOR) + SEPARATOR.length;
    const top = text.slice(0, end);
    const expected = text.slice(end);
    return {
      name: basename(entry, '.txt'),
      file,
      head: top,
      valid: !expected.startsWith('error'),
      input: () => inputOf(loadDocument(top.slice(0, -SEPARATOR.length), entry, head).value),
    };
  });
}

/** The machine of a case by its name. */
export function inputNamed(name: string): MachineInput {
  const found = cases().find((one) => one.name === name);
  if (!found) throw new Error(`there is no case ${name}`);
  return found.input();
}

function inputOf({ host, image, machine: keys }: z.output<typeof head>): MachineInput {
  const { machine } = layerMachine([{ origin: 'the case', keys }]);
  const overlay = (path: string): DiskLayer => ({ path, format: 'qcow2' });
  const base: DiskLayer = { path: image.format === 'raw' ? files.raw : files.base, format: image.format };
  const [code, vars] = machine.arch === 'aarch64' ? [files.armCode, files.armVars] : [files.code, files.vars];
  const system = [overlay(image.format === 'raw' ? files.rawOverlay : files.overlay), base];
  const spec = { name: 'guest1', image: { name: 'base', digest: '', layers: [base], virtualSize: 2 ** 20 } };
  return machineInput(
    { ...spec, machine, boot: bootOf(), init: 'unknown', channel: 'ssh' },
    'gvm-run1-guest1',
    host.accelerator,
    {
      system,
      disks: machine.disks.map((_, index) => [overlay(files.disk(index + 1))]),
      seed: files.seed,
      screen: files.screen,
      vars,
    },
  );

  function bootOf(): GuestBoot {
    const { firmware, kernel = files.kernel, initrd } = machine;
    if (firmware === 'uefi') return { firmware, code, varsTemplate: vars };
    if (firmware === 'bios') return { firmware };
    return { firmware, kernel, append: image.append, ...(initrd === undefined ? {} : { initrd }) };
  }
}
