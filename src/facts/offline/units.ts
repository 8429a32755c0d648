// Reads: the unit files of systemd on a disk, and by which links they are enabled. Specification: systemd.unit(5)
// (unit file load path, [Install]), systemctl(1) (the states of `is-enabled`). Not read: presets, and units that
// generators make while a system boots.
import type { PoweredOff } from './disk.ts';

/** By rank: what stands in an earlier folder hides the same name in a later one. */
const UNIT_FOLDERS = [
  '/etc/systemd/system',
  '/usr/local/lib/systemd/system',
  '/usr/lib/systemd/system',
  '/lib/systemd/system',
];
const ETC = '/etc/systemd/system';
const MOST_TEXT = 2 ** 20;

export type Enablement = 'enabled' | 'disabled' | 'static' | 'masked' | 'indirect' | 'alias' | 'linked';

/** All that is known of how units are enabled, read once for a disk. */
export class Units {
  readonly #disk: PoweredOff;
  /** Names of units that something in /etc wants, requires or upholds. */
  readonly #wanted: ReadonlySet<string>;
  /** What the links in /etc lead to, by their names. */
  readonly #links: ReadonlyMap<string, string>;

  private constructor(disk: PoweredOff, wanted: ReadonlySet<string>, links: ReadonlyMap<string, string>) {
    this.#disk = disk;
    this.#wanted = wanted;
    this.#links = links;
  }

  static async read(disk: PoweredOff): Promise<Units> {
    const wanted = new Set<string>();
    const links = new Map<string, string>();
    for (const name of await disk.names(ETC)) {
      const path = `${ETC}/${name}`;
      const target = await disk.target(path);
      if (target !== undefined) links.set(name, target);
      else if (/\.(?:wants|requires|upholds)$/.test(name)) {
        for (const unit of await disk.names(path))
          if ((await disk.target(`${path}/${unit}`)) !== undefined) {
            wanted.add(unit);
            // A template is as enabled as any instance of it.
            wanted.add(templateOf(unit) ?? unit);
          }
      }
    }
    return new Units(disk, wanted, links);
  }

  /** Undefined where no unit has that name. */
  async enablement(name: string): Promise<Enablement | undefined> {
    const template = templateOf(name);
    const found = (await this.#lookUp(name)) ?? (template === undefined ? undefined : await this.#lookUp(template));
    if (!found) return undefined;
    const { link, text } = found;
    if (link === '/dev/null' || text === '') return 'masked';
    const base = link?.split('/').at(-1);
    if (base !== undefined && base !== name && base !== template) return 'alias';
    if (this.#wanted.has(name) || this.#hasAlias(name)) return 'enabled';
    if (link !== undefined && !UNIT_FOLDERS.some((folder) => link.startsWith(`${folder}/`))) return 'linked';
    const install = /^\[Install\]\s*$([\s\S]*?)(?=^\[|$(?![\s\S]))/m.exec(text)?.[1] ?? '';
    const says = (key: string) => new RegExp(`^${key}[ \\t]*=[ \\t]*\\S`, 'm').test(install);
    if (['WantedBy', 'RequiredBy', 'UpheldBy', 'Alias'].some(says)) return 'disabled';
    return says('Also') || says('DefaultInstance') ? 'indirect' : 'static';
  }

  /** Every unit of some kinds that a disk has a file for, by name. */
  async names(kinds: RegExp): Promise<string[]> {
    const found = new Set<string>();
    for (const folder of UNIT_FOLDERS) {
      for (const name of await this.#disk.names(folder)) if (kinds.test(name)) found.add(name);
    }
    for (const name of this.#wanted) if (kinds.test(name)) found.add(name);
    return [...found].sort();
  }

  #hasAlias(name: string): boolean {
    for (const [link, target] of this.#links) if (link !== name && target.split('/').at(-1) === name) return true;
    return false;
  }

  /** The first file or link of that name by the rank of the folders. */
  async #lookUp(name: string): Promise<{ link: string | undefined; text: string } | undefined> {
    for (const folder of UNIT_FOLDERS) {
      const path = `${folder}/${name}`;
      const link = await this.#disk.target(path);
      if (link === '/dev/null') return { link, text: '' };
      const text = await this.#disk.text(path, MOST_TEXT);
      if (text !== undefined) return { link, text };
    }
    return undefined;
  }
}

/** `name@.service` of `name@instance.service`; undefined for what is no instance. */
function templateOf(name: string): string | undefined {
  const template = name.replace(/@[^@]+(\.\w+)$/, '@$1');
  return template === name ? undefined : template;
}
