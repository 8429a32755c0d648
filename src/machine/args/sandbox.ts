import type { Assembly } from './assembly.ts';
import type { MachineInput } from './input.ts';

/** QEMU's own system-call filter: what breaks out of the guest can neither start processes nor gain privileges. */
export function sandbox(_input: MachineInput, to: Assembly): void {
  to.add('-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny');
}
