// The databases of package managers: /var/db/pkg of Portage (a folder CATEGORY/NAME-VERSION for each package), dpkg
// through dpkg-query(1), /lib/apk/db/installed, /var/lib/pacman/local (NAME-VERSION-RELEASE), rpm through rpm(8).

export interface Installed {
  name: string;
  version: string;
  /** Portage. */
  category?: string;
  /** dpkg. */
  architecture?: string;
}

export interface PackageManager {
  /** Shell text: whether the guest is under this package manager. */
  present: string;
  /** Shell text that lists at least the packages of these names, which hold no character that a shell treats as special; its status is 0 when it could. */
  list(names: readonly string[]): string;
  parse(text: string): Installed[];
}

/** In the order in which they are tried: a Gentoo or Arch with a dpkg on it is still one. */
export const packageManagers = ['portage', 'pacman', 'apk', 'dpkg', 'rpm'] as const;

const bare = (name: string) => name.replace(/:.*$/, '');
const lastPart = (name: string) => bare(name).replace(/^.*\//, '');
const folders = (text: string) =>
  text.split('\n').flatMap((line) => (/([^/]+)\/([^/]+)\/$/.exec(line)?.slice(1, 3) ? [line] : []));

export const managers: Readonly<Record<(typeof packageManagers)[number], PackageManager>> = {
  portage: {
    present: '[ -d /var/db/pkg/sys-apps ]',
    list: (names) => `printf '%s\\n' ${names.map((n) => `/var/db/pkg/*/${lastPart(n)}-[0-9]*/`).join(' ')}`,
    parse: (text) =>
      folders(text).flatMap((line) => {
        const [category, folder = ''] = line.split('/').slice(-3, -1);
        const found = splitPortage(folder);
        return found && category !== undefined ? [{ ...found, category }] : [];
      }),
  },
  pacman: {
    present: '[ -d /var/lib/pacman/local ] && [ -e /var/lib/pacman/local/ALPM_DB_VERSION ]',
    list: (names) => `printf '%s\\n' ${names.map((n) => `/var/lib/pacman/local/${bare(n)}-*/`).join(' ')}`,
    parse: (text) =>
      folders(text).flatMap((line) => {
        const [, name, version] = /^(.+)-([^-]+-[^-]+)$/.exec(line.split('/').at(-2) ?? '') ?? [];
        return name === undefined || version === undefined ? [] : [{ name, version }];
      }),
  },
  apk: {
    present: '[ -s /lib/apk/db/installed ] || [ -s /usr/lib/apk/db/installed ]',
    list: () => `f=/lib/apk/db/installed; [ -s $f ] || f=/usr$f; grep -E '^[PV]:' $f`,
    parse(text) {
      const found: Installed[] = [];
      let name: string | undefined;
      for (const line of text.split('\n')) {
        if (line.startsWith('P:')) name = line.slice(2);
        else if (line.startsWith('V:') && name !== undefined) {
          found.push({ name, version: line.slice(2) });
          name = undefined;
        }
      }
      return found;
    },
  },
  dpkg: {
    present: '[ -s /var/lib/dpkg/status ]',
    // Its status is 1 where a name is unknown.
    list: (names) =>
      `dpkg-query -W -f '\${db:Status-Status} \${Package} \${Architecture} \${Version}\\n' -- ${names.map(lastPart).join(' ')} 2>/dev/null
[ $? -le 1 ]`,
    parse: (text) =>
      text.split('\n').flatMap((line) => {
        const [status, name, architecture, version] = line.split(' ');
        return status === 'installed' && name && architecture && version ? [{ name, architecture, version }] : [];
      }),
  },
  rpm: {
    // A busybox has an rpm(8) too, wherever it is.
    present: '{ [ -d /var/lib/rpm ] || [ -d /usr/lib/sysimage/rpm ]; } && command -v rpm >/dev/null',
    // Its status is the number of unknown names; they are named on standard output, without a tab.
    list: (names) =>
      `rpm -q --qf '%{NAME}\\t%|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\\n' -- ${names.map(bare).join(' ')}; rpm -q rpm >/dev/null`,
    parse: (text) =>
      text.split('\n').flatMap((line) => {
        const [name, version] = line.split('\t');
        return name && version ? [{ name, version }] : [];
      }),
  },
};

/** Name and version of a folder of Portage's (PMS 3.1.2, 3.2): the version is what follows the last "-DIGIT…". */
export function splitPortage(folder: string): Installed | undefined {
  const match = /^(.+?)-(\d+(?:\.\d+)*[a-z]?(?:_(?:alpha|beta|pre|rc|p)\d*)*(?:-r\d+)?)$/.exec(folder);
  const [, name, version] = match ?? [];
  return name === undefined || version === undefined || name.startsWith('-') ? undefined : { name, version };
}
