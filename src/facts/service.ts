import { z } from 'zod';
import { shellQuote } from '../core/index.ts';
import { type Answer, defineFact, type FactOutput, outputOf } from './fact.ts';
import { OPENRC, parseOpenrc, parseUnits, serviceStates, UNIT_PROPERTIES } from './init.ts';
import type { PoweredOff } from './offline/disk.ts';
import { initOf, openrcLines } from './offline/init.ts';
import { Units } from './offline/units.ts';

// One service, alike under OpenRC and systemd. For systemd a name without a suffix means NAME.service.

const serviceArgs = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9_][\w.@:\\-]{0,254}$/, 'expected the name of a service'),
});

const serviceValue = z.strictObject({
  init: z.enum(['openrc', 'systemd']),
  exists: z.boolean(),
  state: z.enum(serviceStates).optional().meta({ description: 'absent on a powered-off disk' }),
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

  async offline(disk, requests) {
    if ((await initOf(disk)) === 'systemd') return unitsOffline(disk, requests);
    return this.parse(outputOf({ services: await openrcLines(disk), off: '' }), requests);
  },
});

async function unitsOffline(disk: PoweredOff, requests: readonly ServiceArgs[]): Promise<Answer<ServiceValue>[]> {
  const units = await Units.read(disk);
  const answers: Answer<ServiceValue>[] = [];
  for (const { name } of requests) {
    const enablement = await units.enablement(unitName(name));
    const script = enablement === undefined && (await disk.find(`/etc/init.d/${name}`));
    if (script) answers.push({ diagnostics: [], unanswerable: `systemd makes the unit ${name} of a script at boot` });
    else {
      const exists = enablement !== undefined;
      const value: ServiceValue = { init: 'systemd', exists, enablement: enablement ?? 'disabled', runlevels: [] };
      answers.push({ value, diagnostics: [] });
    }
  }
  return answers;
}

function fromOpenrc(output: FactOutput, requests: readonly ServiceArgs[]): Answer<ServiceValue>[] {
  const { services, diagnostics } = parseOpenrc(output);
  return requests.map(({ name }) => {
    const service = services.get(name);
    const runlevels = service?.runlevels ?? [];
    return {
      value: {
        init: 'openrc',
        exists: service !== undefined,
        ...(output.parts.some((p) => p.label === 'off') ? {} : { state: service?.state ?? 'stopped' }),
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
