import type { Assembly } from './assembly.ts';
import type { MachineInput } from './input.ts';

/** The monitor, and the first serial line. QEMU waits (`-S`) until gvm listens on both and lets the guest go. */
export function control(_input: MachineInput, to: Assembly): void {
  if (to.handover === 'names') {
    to.add('-serial', 'mon:stdio');
    return;
  }
  to.add('-chardev', `socket,id=qmp,fd=${to.socket('qmp')}`);
  to.add('-mon', 'chardev=qmp,mode=control');
  to.add('-chardev', `socket,id=serial,fd=${to.socket('serial')}`);
  to.add('-serial', 'chardev:serial');
  to.add('-S');
}
