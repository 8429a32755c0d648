import { shellQuote } from '../../core/index.ts';
import { Assembly, type Family } from './assembly.ts';
import { board } from './board.ts';
import { channel } from './channel.ts';
import { control } from './control.ts';
import { disks } from './disks.ts';
import { firmware } from './firmware.ts';
import type { MachineInput, QemuCommand } from './input.ts';
import { networks } from './networks.ts';
import { platform } from './platform.ts';
import { sandbox } from './sandbox.ts';
import { screen } from './screen.ts';

/** Every part of a machine, in the order of its options. */
const families: readonly Family[] = [board, sandbox, control, platform, channel, firmware, disks, networks, screen];

/**
 * QEMU's command line for a machine, with all files and sockets as inherited descriptors.
 * @throws GvmError `usage` for a machine that QEMU cannot have (too many SATA disks, an unknown network model).
 */
export function buildCommand(input: MachineInput): QemuCommand {
  const assembly = assemble(input, 'descriptors');
  const { options, files, sockets, devices, architecture, incoming, screen } = assembly;
  return {
    ...{ binary: architecture.binary, argv: options.flat(), files, sockets, devices },
    ...(incoming === undefined ? {} : { incoming }),
    ...(screen === undefined ? {} : { screen }),
  };
}

/**
 * The same machine as text for a shell, one option a line: files by their names, the serial line on the terminal,
 * and all writes of the guest thrown away (so give it the layers below the overlay).
 */
export function pasteableCommand(input: MachineInput): string {
  const { options, architecture } = assemble(input, 'names');
  const lines = options.map((words) => words.map(shellQuote).join(' '));
  return [architecture.binary, ...lines].join(' \\\n  ');
}

function assemble(input: MachineInput, handover: 'descriptors' | 'names'): Assembly {
  const assembly = new Assembly(input, handover);
  for (const family of families) family(input, assembly);
  return assembly;
}
