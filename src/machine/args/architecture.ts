import { cpuModels } from '../../host/index.ts';
import type { MachineInput } from './input.ts';

export interface Architecture {
  binary: string;
  machine: string;
  cpu: Record<MachineInput['accelerator'], string>;
  /** QEMU's device for each network model. */
  nics: Record<string, string>;
  /** The device that tells QEMU of a guest's panic. */
  panic: string;
  /** Number of built-in SATA ports. */
  sataPorts: number;
}

/** What differs between architectures. */
export const architectures: Record<MachineInput['arch'], Architecture> = {
  x86_64: {
    binary: 'qemu-system-x86_64',
    machine: 'q35',
    cpu: cpuModels,
    nics: { 'virtio-net': 'virtio-net-pci', e1000: 'e1000', e1000e: 'e1000e', rtl8139: 'rtl8139' },
    panic: 'pvpanic',
    sataPorts: 6,
  },
};
