import type { Assembly } from './assembly.ts';
import type { MachineInput } from './input.ts';
import { slotAddress, slots } from './slots.ts';

/** A screen that nobody looks at until a picture of it is taken; a small one, because an emulated processor draws it. */
export function screen({ screen }: MachineInput, to: Assembly): void {
  const { display } = to.architecture;
  if (screen === undefined || display === undefined) return;
  to.add('-device', `${display},${slotAddress(slots.screen)}`);
  if (to.handover === 'descriptors') to.screen = to.ownFile(screen);
}
