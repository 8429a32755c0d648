import { z } from 'zod';
import type { PortValue } from '../../facts/index.ts';
import { type FactCheck, type Finding, unlearned } from '../check.ts';
import type { Expectations } from '../matchers/expectations.ts';
import { judgeKeys } from './keys.ts';

const schema = (expect: Expectations) =>
  z.strictObject({
    port: z
      .string({ error: 'expected a protocol and a port such as "tcp:22"' })
      .regex(/^(tcp|udp):\d{1,5}$/, 'expected a protocol and a port such as "tcp:22"')
      .refine(
        (port) => Number(port.slice(4)) >= 1 && Number(port.slice(4)) <= 65535,
        'a port is a number from 1 to 65535',
      ),
    listening: z.boolean().optional(),
    ip: expect.list.optional().meta({ description: 'the addresses listened on, over IPv4 and IPv6' }),
  });

type Declaration = z.output<ReturnType<typeof schema>>;

export const portCheck: FactCheck<Declaration> = {
  name: 'port',
  description: 'a TCP port that is listened on, or a UDP port that is bound, over IPv4 or IPv6',
  subject: 'port',
  schema,
  label: (d) => d.port,
  contradiction: (d) =>
    d.listening === false && d.ip !== undefined
      ? { path: ['ip'], message: 'contradicts "listening: false": a closed port has no address' }
      : undefined,
  requests: () => [{ fact: 'port', args: {} }],
  judge(d, [answer], compare) {
    const sockets = answer?.value as PortValue | undefined;
    if (!sockets) return unlearned(answer);
    const [protocol, number] = d.port.split(':');
    const ips = sockets.filter((s) => s.protocol === protocol && s.port === Number(number)).map((s) => s.ip);
    const findings: Finding[] = judgeKeys(d, { ip: ['list', ips] }, compare);
    const listening = ips.length > 0;
    if (d.listening !== undefined && d.listening !== listening)
      findings.unshift({
        path: ['listening'],
        message: `listening: ${listening ? `something listens on ${d.port}` : `nothing listens on ${d.port}`}`,
        expected: d.listening ? 'listening' : 'closed',
        actual: listening ? `listening on ${ips.join(', ')}` : 'closed',
      });
    return findings;
  },
};
