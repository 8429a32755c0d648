import { parseAssignments } from '../parse/assignments.ts';
import { settingLines } from '../parse/lines.ts';
import { defineSection, type Told, type Zod } from '../section.ts';

// How a Gentoo is put together: the profile, make.conf(5), the world file and its sets (portage(5)).

const schema = (z: Zod) =>
  z.strictObject({
    profile: z.string().optional(),
    world: z.array(z.string()),
    sets: z.array(z.string()),
    makeConf: z.record(z.string(), z.string()).meta({ description: 'as it is written, variables are not expanded' }),
    repositories: z.array(z.string()),
  });

type Portage = Told<typeof schema>;

export const portageSection = defineSection<Portage>({
  name: 'portage',
  title: 'Portage',
  schema,
  async read({ disk }) {
    const profile = await disk.target('/etc/portage/make.profile');
    const files = (await disk.isDirectory('/etc/portage/make.conf'))
      ? (await disk.names('/etc/portage/make.conf')).map((name) => `/etc/portage/make.conf/${name}`)
      : ['/etc/portage/make.conf', '/etc/make.conf'];
    const makeConf = new Map<string, string>();
    for (const file of files)
      for (const [key, value] of parseAssignments((await disk.text(file)) ?? '')) makeConf.set(key, value);
    const world = settingLines(await disk.text('/var/lib/portage/world'), 20_000);
    if (profile === undefined && makeConf.size === 0 && world.length === 0) return undefined;
    const shown = profile?.replace(/^.*\/profiles\//, '');
    return {
      ...(shown === undefined ? {} : { profile: shown }),
      world,
      sets: settingLines(await disk.text('/var/lib/portage/world_sets')),
      makeConf: Object.fromEntries(makeConf),
      repositories: (await disk.names('/etc/portage/repos.conf')).map((name) => name.replace(/\.conf$/, '')),
    };
  },
  rows: ({ profile, world, sets, makeConf, repositories }) => [
    ['profile', profile ?? 'none'],
    [
      'world',
      `${world.length} packages${sets.length > 0 ? `, sets ${sets.join(' ')}` : ''}`,
      world.slice(0, 8).join(' '),
    ],
    ...(repositories.length > 0 ? [['repositories', repositories.join(', ')]] : []),
    ...Object.entries(makeConf).map(([key, value]) => [key, value.replace(/\s+/g, ' ').trim()]),
  ],
});
