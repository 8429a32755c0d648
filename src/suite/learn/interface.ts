import type { InterfaceValue } from '../../facts/index.ts';
import type { Learner } from './learner.ts';

export const interfaceLearner: Learner = {
  check: 'interface',
  test: 'has its network interfaces',
  requests: () => [{ fact: 'interface', args: {} }],
  // Not its addresses: they are those of the network that it is in.
  declare(name, [value]) {
    const found = (value as InterfaceValue).find((i) => i.name === name);
    return found ? { name, exists: true, mtu: found.mtu } : { name, exists: false };
  },
};
