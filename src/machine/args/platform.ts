import type { Assembly } from './assembly.ts';
import type { MachineInput } from './input.ts';
import { slotAddress, slots } from './slots.ts';

/** Entropy for the guest, and the device by which its kernel reports a panic. */
export function platform(_input: MachineInput, to: Assembly): void {
  to.add('-object', 'rng-builtin,id=rng');
  to.add('-device', `virtio-rng-pci,rng=rng,${slotAddress(slots.rng)}`);
  to.add('-device', to.architecture.panic);
}
