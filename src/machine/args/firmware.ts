import { GvmError } from '../../errors/index.ts';
import { type Assembly, optionValue } from './assembly.ts';
import type { MachineInput } from './input.ts';

/** What the guest starts from: a kernel that QEMU loads itself, UEFI in flash, or the built-in BIOS. */
export function firmware({ boot, arch }: MachineInput, to: Assembly): void {
  switch (boot.firmware) {
    case 'direct':
      to.add('-kernel', to.readable(boot.kernel));
      if (boot.initrd !== undefined) to.add('-initrd', to.readable(boot.initrd));
      to.add('-append', boot.append);
      return;
    case 'uefi':
      flash('code', boot.code, false, to);
      flash('vars', boot.vars, true, to);
      return;
    case 'bios':
      if (to.architecture.bios) return;
      throw new GvmError({
        code: 'usage',
        message: `an ${arch} machine has no BIOS`,
        hint: 'use firmware: uefi or direct',
      });
    default:
      boot satisfies never;
  }
}

function flash(name: 'code' | 'vars', path: string, writable: boolean, to: Assembly): void {
  if (to.handover === 'names') {
    const write = writable ? 'snapshot=on' : 'readonly=on';
    to.add('-drive', `if=pflash,unit=${writable ? 1 : 0},format=raw,${write},file=${optionValue(path)}`);
    return;
  }
  const file = { driver: 'file', filename: to.fileSet(path, writable), 'read-only': !writable };
  to.addNode({ driver: 'raw', 'node-name': name, 'read-only': !writable, file });
}
