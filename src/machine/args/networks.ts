import { GvmError } from '../../errors/index.ts';
import type { Assembly } from './assembly.ts';
import type { MachineInput } from './input.ts';
import { MOST_NETWORKS, slotAddress, slots } from './slots.ts';

/** What QEMU's DHCP server lends first by default, and where a login port is forwarded to; and the address before it. */
const FIRST_ADDRESS = '10.0.2.15';
const EARLIER_ADDRESS = '10.0.2.14';

/** Network cards, each on a network of its own; the first with a cable forwards the login port. */
export function networks(input: MachineInput, to: Assembly): void {
  if (input.networks.length > MOST_NETWORKS) {
    throw new GvmError({ code: 'usage', message: `a machine has at most ${MOST_NETWORKS} networks` });
  }
  const login = input.networks.findIndex((network) => network.mode !== 'none');
  for (const [index, { model, mode, mac = ownMac(index), renamed }] of input.networks.entries()) {
    const id = `net${index}`;
    if (mode === 'none') {
      to.add('-netdev', `hubport,id=${id},hubid=${index}`);
    } else {
      const restrict = mode === 'restricted' ? ',restrict=on' : '';
      const start = renamed ? `,dhcpstart=${EARLIER_ADDRESS}` : '';
      const target = renamed ? FIRST_ADDRESS : '';
      const forward = index === login ? `,hostfwd=tcp:127.0.0.1:0-${target}:${input.forward}` : '';
      to.add('-netdev', `user,id=${id}${restrict}${start}${forward}`);
    }
    const place = slotAddress(slots.network(index));
    // An empty romfile keeps the firmware from offering network boot.
    to.add('-device', `${device(model, to)},netdev=${id},id=nic${index},mac=${mac},${place},romfile=`);
  }
}

function ownMac(index: number): string {
  return `52:54:00:67:76:${(index + 1).toString(16).padStart(2, '0')}`;
}

function device(model: string, to: Assembly): string {
  const found = Object.hasOwn(to.architecture.nics, model) ? to.architecture.nics[model] : undefined;
  if (found) return found;
  throw new GvmError({
    code: 'usage',
    message: `unknown network model ${model}`,
    hint: `one of ${Object.keys(to.architecture.nics).join(', ')}`,
  });
}
