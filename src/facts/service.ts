import { z } from 'zod';
import { shellQuote } from '../core/index.ts';
import { type Answer, defineFact, type FactOutput } from './fact.ts';
import { OPENRC, parseOpenrc, parseUnits, serviceStates, UNIT_PROPERTIES } from './init.ts';

// One service, alike under OpenRC and systemd. For systemd a name without a suffix means NAME.service.

const serviceArgs = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9_][\w.@:\\-]{0,254}$/, 'expected the name of a service'),
});

const serviceValue = z.strictObject({
  init: z.enum(['openrc', 'systemd']),
  exists: z.boolean(),
  state: z.enum(serviceStates),
  enablement: z.string().meta({ description: 'OpenRC: enabled or disabled; systemd: its UnitFileState' }),
  runlevels: z.array(z.string()).meta({ description: 'OpenRC only' }),
});

export type ServiceArgs = z.output<typeof serviceArgs>;
export type ServiceValue = z.output<typeof serviceValue>;

export const serviceFact = defineFact<ServiceArgs, ServiceValue>({
  name: 'service',
  description: 'the state of a service and whether it is enabled',
  args: serviceArgs,
  schema: serviceValue,
  limit: (requests) => 512 * 1024 + requests.length * 1024,
  fragment: (requests) => `if [ -d /run/openrc ]; then
${OPENRC}
elif [ -d /run/systemd/system ]; then
part units
systemctl show --no-pager -p ${UNIT_PROPERTIES} -- ${requests.map((r) => shellQuote(unitName(r.name))).join(' ')}
fi`,

  parse(output, requests) {
    if (output.parts.some((p) => p.label === 'services')) return fromOpenrc(output, requests);
    const units = output.parts.find((p) => p.label === 'units')?.data.toString('utf8');
    if (units === undefined)
      return requests.map(() => ({ diagnostics: ['neither OpenRC nor systemd runs the guest'] }));
    const parsed = parseUnits(units);
    if (parsed.length !== requests.length)
      return requests.map(() => ({
        diagnostics: [`systemctl answered for ${parsed.length} of ${requests.length} services`],
      }));
    return parsed.map(({ loaded, state, enablement }) => ({
      value: { init: 'systemd', exists: loaded, state, enablement: enablement || 'disabled', runlevels: [] },
      diagnostics: [],
    }));
  },
});

function fromOpenrc(output: FactOutput, requests: readonly ServiceArgs[]): Answer<ServiceValue>[] {
  const { services, diagnostics } = parseOpenrc(output);
  return requests.map(({ name }) => {
    const service = services.get(name);
    const runlevels = service?.runlevels ?? [];
    return {
      value: {
        init: 'openrc',
        exists: service !== undefined,
        state: service?.state ?? 'stopped',
        enablement: runlevels.length > 0 ? 'enabled' : 'disabled',
        runlevels,
      },
      diagnostics,
    };
  });
}

/** systemctl takes the suffix for granted too, but not where the name has a dot of its own. */
function unitName(name: string): string {
  return /\.(service|socket|timer|target|mount|path|slice|device|swap|automount|scope)$/.test(name)
    ? name
    : `${name}.service`;
}
