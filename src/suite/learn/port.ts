import type { PortValue } from '../../facts/index.ts';
import type { Learner } from './learner.ts';

/** From here on the kernel gives ports to whoever asks for any (ip_local_port_range). */
const EPHEMERAL = 32_768;
/** Open while an address is being asked for: DHCP. */
const PASSING = ['udp:68', 'udp:546'];
const sockets = [{ fact: 'port', args: {} }];

export const portLearner: Learner = {
  check: 'port',
  test: 'listens on its ports, and where it should',
  survey: {
    requests: sockets,
    subjects([answer]) {
      const own = ((answer?.value ?? []) as PortValue).filter(({ port }) => port < EPHEMERAL);
      const ports = own.map(({ protocol, port }) => `${protocol}:${port}`).filter((port) => !PASSING.includes(port));
      return [...new Set(ports)];
    },
  },
  requests: () => sockets,
  declare(port, [value]) {
    const own = (value as PortValue).filter((socket) => `${socket.protocol}:${socket.port}` === port);
    return own.length > 0 ? { port, listening: true, ip: own.map(({ ip }) => ip) } : { port, listening: false };
  },
};
