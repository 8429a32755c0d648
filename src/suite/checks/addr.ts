import { z } from 'zod';
import type { AddrValue } from '../../facts/index.ts';
import { duration } from '../../schema/index.ts';
import { type FactCheck, unlearned } from '../check.ts';
import { secondsFor } from './network.ts';

const ADDRESS = /^(?:tcp:\/\/)?(?:\[([0-9A-Fa-f:.%]+)\]|([A-Za-z0-9_][\w.-]*)):(\d{1,5})$/;
const portOf = (address: string) => Number(ADDRESS.exec(address)?.[3] ?? 0);

const schema = () =>
  z.strictObject({
    address: z
      .string()
      .regex(ADDRESS, 'expected an address such as tcp://example.org:80 or tcp://[::1]:22')
      .refine((address) => portOf(address) >= 1 && portOf(address) <= 65535, 'a port is a number from 1 to 65535')
      .meta({ description: 'tcp://HOST:PORT' }),
    reachable: z.boolean(),
    'local-address': z
      .string()
      .regex(/^[0-9A-Fa-f:.]+$/, 'expected an IP address')
      .optional()
      .meta({ description: 'where the connection comes from; takes socat or a full nc in the guest' }),
    timeout: duration.optional().meta({ description: '5s where it is not given' }),
  });

type Declaration = z.output<ReturnType<typeof schema>>;

export const addrCheck: FactCheck<Declaration> = {
  name: 'addr',
  description: 'whether the guest can connect to a TCP port, by what it has: bash, socat, nc or busybox',
  subject: 'address',
  schema,
  label: (d) => d.address,
  requests(d, scale) {
    const [, six, host = six] = ADDRESS.exec(d.address) ?? [];
    const local = d['local-address'];
    const seconds = secondsFor(d.timeout, scale);
    return [
      { fact: 'addr', args: { host, port: portOf(d.address), seconds, ...(local === undefined ? {} : { local }) } },
    ];
  },
  judge(d, [answer]) {
    const found = answer?.value as AddrValue | undefined;
    if (!found) return unlearned(answer);
    if (found.reachable === d.reachable) return [];
    const why = found.reachable ? 'it is reachable' : `it is not reachable: ${found.why}`;
    return [
      {
        path: ['reachable'],
        message: `reachable: ${why}`,
        expected: d.reachable ? 'reachable' : 'not reachable',
        actual: found.reachable ? 'reachable' : found.why,
      },
    ];
  },
};
