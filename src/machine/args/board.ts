import { type Assembly, optionValue } from './assembly.ts';
import type { MachineInput, MachineRam } from './input.ts';

/** Name, board, accelerator, processors, memory, clock. */
export function board(input: MachineInput, to: Assembly): void {
  const { machine, cpu } = to.architecture;
  to.add('-name', `guest=${optionValue(input.name)},debug-threads=on`);
  to.add('-nodefaults');
  to.add('-no-user-config');
  to.add('-display', 'none');
  // Without graphics SeaBIOS and a boot loader's BIOS console speak on the serial line, where gvm reads.
  const nodes = to.handover === 'descriptors' && input.boot.firmware === 'uefi';
  const pflash = nodes ? ',pflash0=code,pflash1=vars' : '';
  const backend = input.ram ? ',memory-backend=ram' : '';
  to.add('-machine', `${machine}${pflash}${backend}`);
  to.add('-accel', input.accelerator);
  to.add('-cpu', input.cpu ?? cpu[input.accelerator]);
  to.add('-smp', `cpus=${input.cpus},sockets=1,cores=${input.cpus},threads=1`);
  to.add('-m', `size=${memorySize(input.memory)}`);
  if (input.ram) memoryFile(input.ram, memorySize(input.memory), to);
  to.add('-rtc', 'base=utc');
  if (input.noReboot) to.add('-no-reboot');
  if (input.accelerator === 'kvm') to.devices.push('/dev/kvm');
}

/** QEMU opens the file by itself: it belongs to QEMU's account. A state comes in by `startMachine`. */
function memoryFile({ path, shared, state }: MachineRam, size: string, to: Assembly): void {
  const words = [`size=${size}`, `mem-path=${optionValue(to.ownFile(path))}`, `share=${shared ? 'on' : 'off'}`];
  to.add('-object', `memory-backend-file,id=ram,${words.join(',')}`);
  // Tells the kernel of a fork that it is another one, so that it draws new entropy (Virtual Machine Generation ID).
  const { generationId } = to.architecture;
  if (generationId) to.add('-device', generationId);
  if (state === undefined) return;
  to.incomingFrom(state);
  to.add('-incoming', 'defer');
}

function memorySize(bytes: number): string {
  const mebi = bytes / 2 ** 20;
  return Number.isInteger(mebi) ? `${mebi}M` : `${bytes}B`;
}
