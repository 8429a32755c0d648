import { z } from 'zod';
import { defineFact, outputOf } from './fact.ts';
import { OPENRC, parseOpenrc, serviceStates } from './init.ts';
import { Unanswerable } from './offline/disk.ts';
import { initOf, openrcLines } from './offline/init.ts';

// OpenRC as a whole: the runlevel reached and every service with its state and runlevels. A powered-off disk has no
// states, and no runlevel was reached.

const openrcValue = z.strictObject({
  runlevel: z.string().optional().meta({ description: 'the softlevel: the runlevel that was reached' }),
  crashed: z.array(z.string()).optional().meta({ description: 'started services whose daemon has died' }),
  services: z.record(
    z.string(),
    z.strictObject({ state: z.enum(serviceStates).optional(), runlevels: z.array(z.string()) }),
  ),
});

export type OpenrcValue = z.output<typeof openrcValue>;

export const openrcFact = defineFact<Record<string, never>, OpenrcValue>({
  name: 'openrc',
  description: 'the runlevel, the services with state and runlevels, the crashed ones',
  args: z.strictObject({}) as z.ZodType<Record<string, never>>,
  schema: openrcValue,
  limit: () => 512 * 1024,
  fragment: () => `if [ -d /run/openrc ]; then\n${OPENRC}\nfi`,

  parse(output) {
    if (!output.parts.some((p) => p.label === 'services'))
      return [{ diagnostics: ['OpenRC does not run the guest: there is no /run/openrc'] }];
    const { softlevel, services, diagnostics } = parseOpenrc(output);
    const crashed = [...services].filter(([, s]) => s.state === 'crashed').map(([name]) => name);
    return [
      { value: { runlevel: softlevel, crashed: crashed.sort(), services: Object.fromEntries(services) }, diagnostics },
    ];
  },

  async offline(disk) {
    if ((await initOf(disk)) !== 'openrc') throw new Unanswerable('OpenRC does not run the disk');
    const { services, diagnostics } = parseOpenrc(outputOf({ services: await openrcLines(disk) }));
    const known = [...services].map(([name, { runlevels }]) => [name, { runlevels }] as const);
    return [{ value: { services: Object.fromEntries(known) }, diagnostics }];
  },
});
