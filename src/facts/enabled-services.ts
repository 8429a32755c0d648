import { z } from 'zod';
import { defineFact } from './fact.ts';
import { Unanswerable } from './offline/disk.ts';
import { bootServices } from './offline/services.ts';
import { linesOf, partOf } from './shell.ts';

// The services that are started at boot: what stands in a runlevel of OpenRC (/etc/runlevels), or the units that
// systemctl(1) lists as enabled. Templates of systemd and their instances are left out.

const MAX = 512 * 1024;
const UNIT = /^[A-Za-z0-9_][\w.:\\-]*\.(?:service|socket|timer|path)$/;

const enabledServicesValue = z.array(z.string());

export type EnabledServicesValue = z.output<typeof enabledServicesValue>;

export const enabledServicesFact = defineFact<Record<string, never>, EnabledServicesValue>({
  name: 'enabled-services',
  description: 'the names of the services that are started at boot',
  args: z.strictObject({}) as z.ZodType<Record<string, never>>,
  schema: enabledServicesValue,
  limit: () => MAX,
  fragment: () => `if [ -d /run/openrc ]; then
part openrc
printf '%s\\n' /etc/runlevels/*/*
elif [ -d /run/systemd/system ]; then
part systemd
systemctl list-unit-files --no-legend --no-pager --state=enabled --type=service,socket,timer,path
fi`,

  parse(output) {
    const [openrc, systemd] = [partOf(output, 'openrc'), partOf(output, 'systemd')];
    if (!openrc && !systemd) return [{ diagnostics: ['neither OpenRC nor systemd runs the guest'] }];
    if (output.status !== 0) return [{ diagnostics: ['the guest did not list its services'] }];
    const names = openrc
      ? linesOf(openrc).flatMap((line) => /^\/etc\/runlevels\/[^/]+\/([^/*]+)$/.exec(line)?.[1] ?? [])
      : linesOf(systemd).flatMap((line) => line.split(/\s/)[0] ?? []);
    return [{ value: sorted(names, systemd !== undefined), diagnostics: [] }];
  },

  async offline(disk) {
    const found = await bootServices(disk);
    if (!found) throw new Unanswerable('the disk boots neither OpenRC nor systemd');
    const names = found.services.filter(({ enablement }) => enablement === 'enabled').map(({ name }) => name);
    return [{ value: sorted(names, found.init === 'systemd'), diagnostics: [] }];
  },
});

function sorted(names: readonly string[], units: boolean): string[] {
  const own = units ? names.filter((name) => UNIT.test(name)) : names;
  return [...new Set(own)].sort();
}
