import { describe, expect, it, test } from 'vitest';
import { asGvmError, type GvmError, isGvmError } from '../../src/errors/index.ts';
import { buildCommand, type MachineInput, pasteableCommand } from '../../src/machine/index.ts';
import { cases, inputNamed } from './cases.ts';

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

/** What a case comes to: a command line, or an error as its author sees it. */
function outcome(input: () => MachineInput): string {
  try {
    return describeCommand(input());
  } catch (thrown) {
    const { code, message, hint, position } = asGvmError(thrown);
    const place = position ? ` ${position.file}:${position.line}:${position.column}` : '';
    return [`error ${code}${place}`, message, ...(hint === undefined ? [] : [`hint: ${hint}`]), ''].join('\n');
  }
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
const base = inputNamed('bios-virtio');
const disk = base.disks[0] as MachineInput['disks'][number];

describe('the machine of a golden file', () => {
  it.each(all.map((one) => [one.name, one] as const))('%s', async (_name, { head, file, input }) => {
    await expect(head + outcome(input)).toMatchFileSnapshot(file);
  });
});

test('descriptors are numbered from 3 without a gap', () => {
  for (const { input } of all.filter(({ valid }) => valid)) {
    const { files, sockets } = buildCommand(input());
    const numbers = [...files, ...sockets].map(({ fd }) => fd).sort((a, b) => a - b);
    expect(numbers).toEqual(numbers.map((_, index) => index + 3));
  }
});

test.each(['disks-virtio-24', 'disks-nvme-20', 'network-eight'])(
  'all devices of %s have places of their own',
  (name) => {
    const places = buildCommand(inputNamed(name)).argv.flatMap((word) => /addr=(0x[\w.]+)/.exec(word)?.[1] ?? []);
    expect(places.length).toBeGreaterThan(8);
    expect(new Set(places).size).toBe(places.length);
  },
);

describe('what no machine keys can say', () => {
  const raw = (path: string) => ({ path, format: 'raw' as const });
  it.each<[string, Partial<MachineInput>, string]>([
    [
      'a read-only NVMe disk',
      { disks: [{ ...disk, bus: 'nvme', writable: false }] },
      'disk system: a nvme disk cannot be read-only',
    ],
    [
      'a raw layer with one below',
      { disks: [{ ...disk, layers: [raw('a'), raw('b')] }] },
      'disk system: a raw layer has a layer below it',
    ],
    [
      'a VHD layer with one below',
      { disks: [{ ...disk, layers: [{ path: 'a', format: 'vpc' }, raw('b')] }] },
      'disk system: a vpc layer has a layer below it',
    ],
    ['an odd name', { disks: [{ ...disk, id: 'a,b' }] }, 'disk a,b: its name is not fit for QEMU'],
    ['no layer', { disks: [{ ...disk, layers: [] }] }, 'disk system: it has no file'],
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
  it.each(['direct-virtio', 'uefi-virtio', 'disks-scsi-8'])('%s', async (name) => {
    await expect(pasteableCommand(inputNamed(name))).toMatchFileSnapshot(`golden/paste-${name}.txt`);
  });

  it('quotes for a shell', () => {
    const boot = { firmware: 'direct', kernel: "/it's here", append: 'a b' } as const;
    expect(pasteableCommand({ ...base, boot })).toContain(`-kernel '/it'\\''s here' \\\n  -append 'a b'`);
  });
});
