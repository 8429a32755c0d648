import { z } from 'zod';
import { type DnsValue, qtypes } from '../../facts/index.ts';
import { duration } from '../../schema/index.ts';
import { type FactCheck, unlearned } from '../check.ts';
import type { Expectations } from '../matchers/expectations.ts';
import { judgeFlag, judgeKeys } from './keys.ts';
import { secondsFor } from './network.ts';

const schema = (expect: Expectations) =>
  z.strictObject({
    name: z.string().regex(/^[A-Za-z0-9_][\w.:-]{0,254}$/, 'expected a name'),
    resolvable: z.boolean().optional(),
    addrs: expect.list.optional().meta({ description: 'addresses, or the data of the records that were asked for' }),
    qtype: z.enum(qtypes).optional().meta({ description: 'asks DNS itself for records of this type' }),
    server: z
      .string()
      .regex(/^[A-Za-z0-9:][\w.:-]{0,254}$/, 'expected the address of a name server')
      .optional()
      .meta({ description: 'asks this server, for A where no type is given' }),
    timeout: duration.optional().meta({ description: '5s where it is not given' }),
  });

type Declaration = z.output<ReturnType<typeof schema>>;

export const dnsCheck: FactCheck<Declaration> = {
  name: 'dns',
  description:
    'a name as the guest resolves it, /etc/hosts included; with `qtype` or `server` by DNS alone, which takes dig, drill or nslookup in the guest',
  subject: 'name',
  schema,
  label: (d) => d.name,
  contradiction(d) {
    if (d.resolvable === undefined && d.addrs === undefined)
      return { path: [], message: 'asserts nothing: give at least one of resolvable, addrs' };
    return d.resolvable === false && d.addrs !== undefined
      ? { path: ['addrs'], message: 'contradicts "resolvable: false": such a name has no addrs' }
      : undefined;
  },
  requests({ name, qtype, server, timeout }, scale) {
    const how = { ...(qtype === undefined ? {} : { qtype }), ...(server === undefined ? {} : { server }) };
    return [{ fact: 'dns', args: { name, ...how, seconds: secondsFor(timeout, scale) } }];
  },
  judge(d, [answer], compare) {
    const found = answer?.value as DnsValue | undefined;
    if (!found) return unlearned(answer);
    const { resolvable, addrs } = found;
    return [
      ...judgeFlag(d, 'resolvable', resolvable, {
        yes: 'resolvable',
        no: 'not resolvable',
        ...(resolvable ? { found: addrs.join(', ') } : {}),
      }),
      ...judgeKeys(d, { addrs: ['list', addrs] }, compare),
    ];
  },
};
