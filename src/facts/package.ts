import { z } from 'zod';
import { type Answer, defineFact, outputOf } from './fact.ts';
import { packageManagerOf, readPackages } from './offline/packages.ts';
import { managers, type PackageManager, packageManagers } from './package-managers.ts';
import { partOf } from './shell.ts';

// An installed package, by the first package manager whose database the guest has (package-managers.ts).

const packageArgs = z.strictObject({
  name: z
    .string()
    .max(200)
    .regex(/^[A-Za-z0-9_][\w.+-]*(\/[A-Za-z0-9_][\w+-]*)?(:[a-z0-9]+)?$/, 'expected the name of a package'),
});

const packageValue = z.strictObject({
  manager: z.enum(packageManagers),
  installed: z.boolean(),
  versions: z.array(z.string()).meta({ description: 'one for each slot or architecture; each once' }),
});

export type PackageArgs = z.output<typeof packageArgs>;
export type PackageValue = z.output<typeof packageValue>;

const MAX = 4 * 2 ** 20;

export const packageFact = defineFact<PackageArgs, PackageValue>({
  name: 'package',
  description: 'an installed package with its versions: Portage, dpkg, apk, pacman, rpm',
  args: packageArgs,
  schema: packageValue,
  limit: () => MAX,
  fragment(requests) {
    const names = requests.map((r) => r.name);
    const branches = packageManagers.map((name) => {
      const { present, list } = managers[name];
      return `if ${present}; then part ${name}\n${list(names)}`;
    });
    return `${branches.join('\nel')}\nfi`;
  },

  parse(output, requests) {
    const manager = packageManagers.find((name) => partOf(output, name) !== undefined);
    if (manager === undefined)
      return requests.map(() => ({ diagnostics: [`the guest has none of ${packageManagers.join(', ')}`] }));
    const data = partOf(output, manager) ?? Buffer.alloc(0);
    if (output.status !== 0) return requests.map(() => ({ diagnostics: [`${manager} did not list its packages`] }));
    const installed = managers[manager].parse(data.toString('utf8'));
    return requests.map(({ name }): Answer<PackageValue> => {
      const versions = [...new Set(installed.filter((p) => isNamed(p, name)).map((p) => p.version))];
      return { value: { manager, installed: versions.length > 0, versions }, diagnostics: [] };
    });
  },

  async offline(disk, requests) {
    const manager = await packageManagerOf(disk);
    if (manager === undefined) return this.parse(outputOf({}), requests);
    const text = await readPackages(disk, manager);
    if (text !== undefined) return this.parse(outputOf({ [manager]: text }), requests);
    return requests.map(() => ({ diagnostics: [`gvm does not read this database of ${manager}`] }));
  },
});

/** `name`, `category/name` (Portage) or `name:architecture` (dpkg). */
function isNamed(found: ReturnType<PackageManager['parse']>[number], name: string): boolean {
  const [bare, architecture] = name.split(':');
  if (architecture !== undefined && architecture !== found.architecture) return false;
  return bare === found.name || bare === `${found.category}/${found.name}`;
}
