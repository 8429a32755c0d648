import { cpuModels } from '../../host/index.ts';
import type { MachineInput } from './input.ts';
import { slotAddress, slots } from './slots.ts';

export interface Architecture {
  binary: string;
  machine: string;
  cpu: Record<MachineInput['accelerator'], string>;
  /** Whether there is a BIOS to boot by. */
  bios: boolean;
  /** QEMU's device for each network model. */
  nics: Record<string, string>;
  /** The device that tells a guest of its generation, where QEMU has one. */
  generationId?: string;
  /** The device that tells QEMU of a guest's panic. */
  panic: string;
  /** The screen's device, where the board has a kind that firmware and every kernel can draw on. */
  display?: string;
  /** The SATA controller: its device, where the board has none, the name of its buses, the number of its ports. */
  sata: { device?: string; bus: string; ports: number };
}

const nics = { 'virtio-net': 'virtio-net-pci', e1000: 'e1000', e1000e: 'e1000e', rtl8139: 'rtl8139' };

/** What differs between architectures. */
export const architectures: Record<MachineInput['arch'], Architecture> = {
  x86_64: {
    binary: 'qemu-system-x86_64',
    machine: 'q35,graphics=off',
    cpu: cpuModels,
    bios: true,
    nics,
    generationId: 'vmgenid,guid=auto',
    panic: 'pvpanic',
    display: 'VGA,id=screen,edid=on,xres=800,yres=600',
    sata: { bus: 'ide', ports: 6 },
  },
  aarch64: {
    binary: 'qemu-system-aarch64',
    machine: 'virt,gic-version=max',
    // The default pointer authentication is a cipher that takes the emulator half of its time.
    cpu: { kvm: 'host', tcg: 'max,pauth-impdef=on' },
    bios: false,
    nics,
    panic: `pvpanic-pci,${slotAddress(slots.panic)}`,
    sata: { device: `ich9-ahci,id=sata,${slotAddress(slots.sata)}`, bus: 'sata', ports: 6 },
  },
};
