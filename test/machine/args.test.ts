import { describe, expect, it } from 'vitest';
import { type GvmError, isGvmError } from '../../src/errors/index.ts';
import { buildCommand, type MachineInput, pasteableCommand } from '../../src/machine/index.ts';
import { cases } from './cases.ts';

/** One option a line, then the descriptors that it speaks of. */
function describeCommand(input: MachineInput): string {
  const { binary, argv, files, sockets, devices } = buildCommand(input);
  const options = argv.join('\n').replaceAll(/\n(?!-)/g, ' ');
  const descriptors = [
    ...sockets.map(({ fd, name }) => `${fd} socket ${name}`),
    ...files.map((f) => `${f.fd} ${f.writable ? 'write' : 'read'}${f.reopened ? ' reopened' : ''} ${f.path}`),
  ];
  const parts = [
    binary,
    options,
    '',
    'descriptors:',
    ...descriptors.sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10)),
  ];
  return `${[...parts, ...devices.map((device) => `device ${device}`)].join('\n')}\n`;
}

function refusal(input: MachineInput): GvmError {
  try {
    buildCommand(input);
  } catch (error) {
    if (isGvmError(error)) return error;
  }
  throw new Error('it was not refused');
}

const all = cases();
const base = all.bios as MachineInput;
const disk = base.disks[0] as MachineInput['disks'][number];

describe('buildCommand', () => {
  it.each(Object.entries(all))('%s', async (name, input) => {
    await expect(describeCommand(input)).toMatchFileSnapshot(`golden/${name}.txt`);
  });

  it('is the same for KVM but for the accelerator and its CPU', async () => {
    await expect(describeCommand({ ...base, accelerator: 'kvm' })).toMatchFileSnapshot('golden/kvm.txt');
  });

  it('numbers descriptors from 3 without a gap', () => {
    for (const input of Object.values(all)) {
      const { files, sockets } = buildCommand(input);
      const numbers = [...files, ...sockets].map(({ fd }) => fd).sort((a, b) => a - b);
      expect(numbers).toEqual(numbers.map((_, index) => index + 3));
    }
  });

  it('gives 26 disks and 8 cards places of their own', () => {
    const input: MachineInput = {
      ...base,
      disks: Array.from({ length: 26 }, (_, i) => ({ ...disk, id: `d${i}` })),
      networks: Array.from({ length: 8 }, () => ({ model: 'e1000', mode: 'restricted' })),
    };
    const places = buildCommand(input).argv.flatMap((word) => /addr=(0x[\w.]+)/.exec(word)?.[1] ?? []);
    expect(new Set(places).size).toBe(35);
  });

  it.each<[string, Partial<MachineInput>, string]>([
    [
      'a seventh SATA disk',
      { disks: Array.from({ length: 7 }, (_, i) => ({ ...disk, id: `d${i}`, bus: 'sata' })) },
      'disk d6: there are only 6 SATA ports',
    ],
    [
      '4096-byte sectors on SATA',
      { disks: [{ ...disk, bus: 'sata', sector: 4096 }] },
      'disk system: a SATA disk has sectors of 512 bytes',
    ],
    [
      'a read-only NVMe disk',
      { disks: [{ ...disk, bus: 'nvme', writable: false }] },
      'disk system: a nvme disk cannot be read-only',
    ],
    [
      'a raw layer with one below',
      {
        disks: [
          {
            ...disk,
            layers: [
              { path: 'a', format: 'raw' },
              { path: 'b', format: 'raw' },
            ],
          },
        ],
      },
      'disk system: a raw layer has a layer below it',
    ],
    [
      'an unknown card',
      { networks: [{ model: 'constructor', mode: 'restricted' }] },
      'unknown network model constructor',
    ],
  ])('refuses %s', (_what, change, message) => {
    expect(refusal({ ...base, ...change })).toMatchObject({ code: 'usage', message });
  });
});

describe('pasteableCommand', () => {
  it.each(['direct', 'uefi', 'disk-scsi'])('%s', async (name) => {
    await expect(pasteableCommand(all[name] as MachineInput)).toMatchFileSnapshot(`golden/paste-${name}.txt`);
  });

  it('quotes for a shell', () => {
    const boot = { firmware: 'direct', kernel: "/it's here", append: 'a b' } as const;
    expect(pasteableCommand({ ...base, boot })).toContain(`-kernel '/it'\\''s here' \\\n  -append 'a b'`);
  });
});
