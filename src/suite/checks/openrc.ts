import { z } from 'zod';
import type { OpenrcValue } from '../../facts/index.ts';
import { type FactCheck, type Finding, unlearned } from '../check.ts';
import type { Expectations } from '../matchers/expectations.ts';
import { judgeKeys } from './keys.ts';
import { judgeEnabled, serviceKeys } from './service.ts';

const schema = (expect: Expectations) =>
  z.strictObject({
    runlevel: expect.string.optional().meta({ description: 'the runlevel that was reached' }),
    crashed: expect.list.optional().meta({ description: 'started services whose daemon has died; [] means none' }),
    services: z
      .record(
        z.string().min(1),
        z.strictObject(serviceKeys).refine((s) => Object.keys(s).length > 0, 'asserts nothing: give state or enabled'),
      )
      .refine((services) => Object.keys(services).length > 0, 'asserts nothing: name a service')
      .optional(),
  });

type Declaration = z.output<ReturnType<typeof schema>>;

export const openrcCheck: FactCheck<Declaration> = {
  name: 'openrc',
  description: 'OpenRC as a whole: runlevel, crashed services, services by name',
  schema,
  live: ['runlevel', 'crashed', 'services.*.state'],
  label: () => undefined,
  requests: () => [{ fact: 'openrc', args: {} }],
  judge(d, [answer], compare) {
    const openrc = answer?.value as OpenrcValue | undefined;
    if (!openrc) return unlearned(answer);
    const { runlevel, crashed } = openrc;
    const whole = judgeKeys(d, { runlevel: ['string', runlevel], crashed: ['list', crashed] }, compare);
    const single = Object.entries(d.services ?? {}).flatMap(([name, expected]): Finding[] => {
      const found = Object.hasOwn(openrc.services, name) ? openrc.services[name] : undefined;
      const { state = 'stopped', runlevels = [] } = found ?? {};
      const enablement = runlevels.length > 0 ? 'enabled' : 'disabled';
      const findings = [
        ...judgeKeys(expected, { state: ['string', state] }, compare),
        ...judgeEnabled(expected.enabled, { init: 'openrc', enablement, runlevels }),
      ];
      const absent = found ? '' : '; there is no such service';
      return findings.map((f) => ({
        ...f,
        path: ['services', name, ...f.path],
        message: `${name}: ${f.message}${absent}`,
      }));
    });
    return [...whole, ...single];
  },
};
