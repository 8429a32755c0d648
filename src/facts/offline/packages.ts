// Reads: the databases of package managers on a disk, into the text that package-managers.ts parses. dpkg(1)'s status
// file, Portage's /var/db/pkg, apk's installed, pacman's local, rpm's SQLite and own forms.
import { type Installed, managers, packageManagers } from '../package-managers.ts';
import { readRpmPackages } from '../rpm/read.ts';
import type { PoweredOff } from './disk.ts';

type Manager = (typeof packageManagers)[number];

const PORTAGE = '/var/db/pkg';
const PACMAN = '/var/lib/pacman/local';
const LARGEST = 64 * 2 ** 20;

interface Database {
  present(disk: PoweredOff): Promise<boolean>;
  /** Undefined where gvm does not read this form of the database. */
  read(disk: PoweredOff): Promise<string | undefined>;
}

const databases: Readonly<Record<Manager, Database>> = {
  portage: {
    present: (disk) => disk.isDirectory(`${PORTAGE}/sys-apps`),
    async read(disk) {
      const lines: string[] = [];
      for (const category of await disk.names(PORTAGE)) {
        for (const folder of await disk.names(`${PORTAGE}/${category}`))
          lines.push(`${PORTAGE}/${category}/${folder}/`);
      }
      return lines.join('\n');
    },
  },
  pacman: {
    present: async (disk) => (await disk.find(`${PACMAN}/ALPM_DB_VERSION`)) !== undefined,
    read: async (disk) => (await disk.names(PACMAN)).map((name) => `${PACMAN}/${name}/`).join('\n'),
  },
  apk: {
    present: async (disk) => (await apkFile(disk)) !== undefined,
    read: async (disk) => disk.text((await apkFile(disk)) ?? '', LARGEST),
  },
  dpkg: {
    present: async (disk) => ((await disk.find('/var/lib/dpkg/status'))?.node.stat.size ?? 0) > 0,
    read: async (disk) => dpkgLines((await disk.text('/var/lib/dpkg/status', LARGEST)) ?? ''),
  },
  rpm: {
    present: async (disk) =>
      (await disk.isDirectory('/var/lib/rpm')) || (await disk.isDirectory('/usr/lib/sysimage/rpm')),
    read: async (disk) => (await readRpmPackages(disk))?.map(({ name, version }) => `${name}\t${version}`).join('\n'),
  },
};

async function apkFile(disk: PoweredOff): Promise<string | undefined> {
  for (const path of ['/lib/apk/db/installed', '/usr/lib/apk/db/installed']) {
    if (((await disk.find(path))?.node.stat.size ?? 0) > 0) return path;
  }
  return undefined;
}

/** The package manager whose database a disk has, by the order in which a guest is asked. */
export async function packageManagerOf(disk: PoweredOff): Promise<Manager | undefined> {
  for (const name of packageManagers) if (await databases[name].present(disk)) return name;
  return undefined;
}

/** All that a package manager has installed, as its lister prints it; undefined for a form that gvm does not read. */
export function readPackages(disk: PoweredOff, manager: Manager): Promise<string | undefined> {
  return databases[manager].read(disk);
}

/** As `dpkg-query -W` with status, name, architecture and version. */
function dpkgLines(status: string): string {
  const lines: string[] = [];
  for (const paragraph of status.split(/\n\n+/)) {
    const field = (name: string) => new RegExp(`^${name}:[ \\t]*(.*)$`, 'm').exec(paragraph)?.[1]?.trim() ?? '';
    const state = field('Status').split(' ')[2];
    if (state) lines.push(`${state} ${field('Package')} ${field('Architecture')} ${field('Version')}`);
  }
  return lines.join('\n');
}

/** All that is installed; `packages` is undefined for a form of database that gvm does not read. */
export async function installedPackages(
  disk: PoweredOff,
): Promise<{ manager: Manager; packages: Installed[] | undefined } | undefined> {
  const manager = await packageManagerOf(disk);
  if (manager === undefined) return undefined;
  const text = await readPackages(disk, manager);
  return { manager, packages: text === undefined ? undefined : managers[manager].parse(text) };
}
