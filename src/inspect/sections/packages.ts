import { installedPackages, type PoweredOff } from '../../facts/powered-off.ts';
import { defineSection, type Told, type Zod } from '../section.ts';

// Installed packages by the first package manager whose database the disk has; of Portage's also slot, repository and
// USE flags (the VDB, /var/db/pkg).

const schema = (z: Zod) =>
  z.strictObject({
    manager: z.string(),
    packages: z.array(
      z.strictObject({
        name: z.string().meta({ description: 'CATEGORY/NAME for Portage' }),
        version: z.string(),
        architecture: z.string().optional(),
        slot: z.string().optional(),
        repository: z.string().optional(),
        use: z.array(z.string()).optional(),
      }),
    ),
  });

type Packages = Told<typeof schema>;

const SHOWN = 12;

export const packagesSection = defineSection<Packages>({
  name: 'packages',
  title: 'Packages',
  schema,
  async read({ disk, note }) {
    const found = await installedPackages(disk);
    if (!found) return undefined;
    const { manager, packages } = found;
    if (!packages) {
      note(`gvm does not read this form of the database of ${manager}`);
      return undefined;
    }
    const own: Packages['packages'] = [];
    for (const { name, version, category, architecture } of packages) {
      own.push({
        name: category === undefined ? name : `${category}/${name}`,
        version,
        ...(architecture === undefined ? {} : { architecture }),
        ...(category === undefined ? {} : await ofPortage(disk, `/var/db/pkg/${category}/${name}-${version}`)),
      });
    }
    return { manager, packages: own };
  },
  rows: ({ manager, packages }) => [
    [`${packages.length} packages (${manager})`],
    ...packages.slice(0, SHOWN).map(({ name, version, slot }) => [`  ${name}`, version, slot ? `:${slot}` : '']),
    ...(packages.length > SHOWN ? [[`  … ${packages.length - SHOWN} more, all of them with --json`]] : []),
  ],
});

async function ofPortage(disk: PoweredOff, folder: string) {
  const line = async (file: string) => (await disk.text(`${folder}/${file}`, 2 ** 18))?.trim();
  const [slot, repository, use] = [await line('SLOT'), await line('repository'), await line('USE')];
  return {
    ...(slot === undefined ? {} : { slot }),
    ...(repository === undefined ? {} : { repository }),
    ...(use === undefined ? {} : { use: use.split(/\s+/).filter((flag) => flag !== '') }),
  };
}
