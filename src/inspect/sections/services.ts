import { bootServices } from '../../facts/powered-off.ts';
import { defineSection, type Told, type Zod } from '../section.ts';

// What is started at boot: OpenRC's runlevels, the enablement of systemd's units.

const schema = (z: Zod) =>
  z.strictObject({
    init: z.enum(['openrc', 'systemd']),
    services: z.array(
      z.strictObject({
        name: z.string(),
        enablement: z.string().meta({ description: 'OpenRC: enabled or disabled; systemd: as is-enabled names it' }),
        runlevels: z.array(z.string()).optional().meta({ description: 'OpenRC only' }),
      }),
    ),
  });

type Services = Told<typeof schema>;

export const servicesSection = defineSection<Services>({
  name: 'services',
  title: 'Services',
  schema,
  read: ({ disk }) => bootServices(disk),
  rows: ({ init, services }) => {
    const enabled = services.filter(({ enablement }) => enablement === 'enabled');
    const masked = services.filter(({ enablement }) => enablement === 'masked');
    const levels = [...new Set(enabled.flatMap(({ runlevels = [] }) => runlevels))].sort();
    const of = (level: string) =>
      enabled.filter(({ runlevels = [] }) => runlevels.includes(level)).map(({ name }) => name);
    return [
      [init, `${enabled.length} of ${services.length} enabled`],
      ...(init === 'openrc'
        ? levels.map((level) => [level, of(level).join(' ')])
        : [['enabled', enabled.map(({ name }) => name).join(' ')]]),
      ...(masked.length > 0 ? [['masked', masked.map(({ name }) => name).join(' ')]] : []),
    ];
  },
});
