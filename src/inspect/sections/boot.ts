import type { PoweredOff } from '../../facts/powered-off.ts';
import { parseAssignments } from '../parse/assignments.ts';
import { settingLines } from '../parse/lines.ts';
import { defineSection, type Told, type Zod } from '../section.ts';

// What the boot loaders of the disk offer: grub.cfg, entries by the Boot Loader Specification (type 1), unified kernels
// in EFI/Linux (type 2), extlinux; the programs on the EFI partition and the code that a BIOS starts; the command line that
// is kept for new entries.

const MOST = 200;

const schema = (z: Zod) =>
  z.strictObject({
    entries: z.array(
      z.strictObject({
        title: z.string(),
        source: z.string(),
        kernel: z.string().optional(),
        initrd: z.array(z.string()),
        options: z.string(),
        missing: z.array(z.string()).meta({ description: 'files of the entry that the disk does not have' }),
      }),
    ),
    efi: z.array(z.string()).meta({ description: 'programs on the EFI partition' }),
    bios: z
      .string()
      .optional()
      .meta({ description: 'whose code a BIOS finds in the first sector; unknown: of others' }),
    settings: z.record(z.string(), z.string()).meta({ description: '/etc/default/grub and /etc/kernel/cmdline' }),
  });

type Boot = Told<typeof schema>;
type Entry = Omit<Boot['entries'][number], 'missing'>;

export const bootSection = defineSection<Boot>({
  name: 'boot',
  title: 'Boot loader',
  schema,
  async read({ disk }) {
    const entries = await bootEntries(disk);
    const efi = await efiPrograms(disk);
    const settings = parseAssignments((await disk.text('/etc/default/grub')) ?? '');
    const cmdline = (await disk.text('/etc/kernel/cmdline'))?.trim();
    if (cmdline) settings.set('cmdline', cmdline);
    const bios = disk.layout.table?.bootCode;
    if (entries.length === 0 && efi.length === 0 && settings.size === 0 && bios === undefined) return undefined;
    return { entries, efi, ...(bios === undefined ? {} : { bios }), settings: Object.fromEntries(settings) };
  },
  rows: ({ entries, efi, bios, settings }) => [
    ...entries.flatMap(({ title, kernel, options, missing }) => [
      [title, kernel ?? '', options],
      ...missing.map((file) => ['', `! ${file} is missing`]),
    ]),
    ...efi.map((file) => ['efi program', file]),
    ...(bios === undefined ? [] : [['bios boot code', bios]]),
    ...Object.entries(settings).map(([key, value]) => [key, value]),
  ],
});

/** What the boot loaders of a disk offer, in their order. */
export async function bootEntries(disk: PoweredOff): Promise<Boot['entries']> {
  const found = [...(await grub(disk)), ...(await loaderEntries(disk)), ...(await extlinux(disk))].slice(0, MOST);
  const entries: Boot['entries'] = [];
  for (const entry of found) entries.push({ ...entry, missing: await missingFiles(disk, entry) });
  return entries;
}

/** menuentry blocks with their linux and initrd lines (GRUB manual, 16.1.1 and 16.3). */
async function grub(disk: PoweredOff): Promise<Entry[]> {
  const entries: Entry[] = [];
  const vendors = await disk.names('/boot/efi/EFI');
  const onEfi = vendors.map((vendor) => `/boot/efi/EFI/${vendor}/grub.cfg`);
  for (const source of ['/boot/grub/grub.cfg', '/boot/grub2/grub.cfg', ...onEfi]) {
    let open: Entry | undefined;
    for (const line of settingLines(await disk.text(source), 20_000)) {
      const title = /^menuentry\s+(?:'([^']*)'|"([^"]*)")/.exec(line);
      if (title) {
        open = { title: title[1] ?? title[2] ?? '', source, initrd: [], options: '' };
        entries.push(open);
        continue;
      }
      const [keyword = '', first, ...rest] = line.split(/\s+/);
      if (open && /^linux(?:16|efi)?$/.test(keyword) && first)
        Object.assign(open, { kernel: first, options: rest.join(' ') });
      if (open && /^initrd(?:16|efi)?$/.test(keyword))
        open.initrd.push(...[first ?? '', ...rest].filter((w) => w !== ''));
    }
  }
  return entries;
}

async function loaderEntries(disk: PoweredOff): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const base of ['/boot', '/efi', '/boot/efi']) {
    for (const name of await disk.names(`${base}/loader/entries`)) {
      const source = `${base}/loader/entries/${name}`;
      const values = new Map<string, string[]>();
      for (const line of settingLines(await disk.text(source))) {
        const [, key = '', value = ''] = /^(\S+)\s+(.*)$/.exec(line) ?? [];
        values.set(key, [...(values.get(key) ?? []), value]);
      }
      const kernel = values.get('linux')?.[0] ?? values.get('efi')?.[0];
      entries.push({
        title: values.get('title')?.[0] ?? name,
        source,
        ...(kernel === undefined ? {} : { kernel }),
        initrd: values.get('initrd') ?? [],
        options: (values.get('options') ?? []).join(' '),
      });
    }
  }
  return entries;
}

async function extlinux(disk: PoweredOff): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const source of ['/boot/extlinux/extlinux.conf', '/boot/syslinux/syslinux.cfg', '/extlinux.conf']) {
    let open: Entry | undefined;
    for (const line of settingLines(await disk.text(source))) {
      const [, key = '', value = ''] = /^(\S+)\s+(.*)$/.exec(line) ?? [];
      switch (key.toLowerCase()) {
        case 'label':
          open = { title: value, source, initrd: [], options: '' };
          entries.push(open);
          break;
        case 'kernel':
        case 'linux':
          if (open) open.kernel = value;
          break;
        case 'initrd':
          open?.initrd.push(...value.split(','));
          break;
        case 'append':
          if (open) open.options = value;
      }
    }
  }
  return entries;
}

/** Paths of an entry begin at the root of the volume that holds it, which is mounted at / or /boot or at the EFI partition. */
async function missingFiles(disk: PoweredOff, { kernel, initrd, source }: Entry): Promise<string[]> {
  const missing: string[] = [];
  const base = source.split('/loader/')[0] ?? '';
  for (const file of [...(kernel === undefined ? [] : [kernel]), ...initrd]) {
    // A path with a variable or a device of GRUB's is known to GRUB only.
    if (!file.startsWith('/') || file.includes('$')) continue;
    const places = [file, `/boot${file}`, `${base}${file}`];
    const found = await Promise.all(places.map((place) => disk.find(place)));
    if (found.every((place) => place === undefined)) missing.push(file);
  }
  return missing;
}

async function efiPrograms(disk: PoweredOff): Promise<string[]> {
  const programs: string[] = [];
  const bases = new Set([
    '/boot/EFI',
    '/boot/efi/EFI',
    '/efi/EFI',
    ...disk.tree.mounts.map(({ path }) => `${path === '/' ? '' : path}/EFI`),
  ]);
  for (const base of bases) {
    for (const vendor of await disk.names(base)) {
      for (const name of await disk.names(`${base}/${vendor}`)) {
        if (/\.efi$/i.test(name)) programs.push(`${base}/${vendor}/${name}`);
        if (programs.length >= MOST) return programs;
      }
    }
  }
  return programs;
}
