import type { Assembly } from './assembly.ts';
import type { MachineInput } from './input.ts';
import { slotAddress, slots } from './slots.ts';

/** The names of the ports in the guest (`/sys/class/virtio-ports`), and of gvm's sockets at their other end. */
const ports = { control: 'gvm.control', data: 'gvm.data', errors: 'gvm.errors' } as const;

/** The virtio-serial ports of the console channel. A guest that does not know them is not bothered. */
export function channel(input: MachineInput, to: Assembly): void {
  if (to.handover === 'names') return;
  const place = slotAddress(slots.channel);
  // One more than there are ports: the first is reserved for a console.
  to.add('-device', `virtio-serial-pci,id=channel,max_ports=4,${place}`);
  if (input.shell) {
    to.add('-chardev', `socket,id=shell,fd=${to.socket('shell')}`);
    to.add('-device', 'virtconsole,bus=channel.0,nr=0,id=shell,chardev=shell');
  }
  for (const [index, name] of (['control', 'data', 'errors'] as const).entries()) {
    to.add('-chardev', `socket,id=${name},fd=${to.socket(name)}`);
    to.add('-device', `virtserialport,bus=channel.0,nr=${index + 1},id=${name},chardev=${name},name=${ports[name]}`);
  }
}
