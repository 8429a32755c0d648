import type { PoweredOff } from '../../facts/powered-off.ts';
import { settingLines } from '../parse/lines.ts';
import { defineSection, type Section, type Told, type Zod } from '../section.ts';

// Settings that are lists of lines in a file and a drop-in folder: sudoers(5) and doas.conf(5), crontab(5),
// sysctl.conf(5).

const schema = (z: Zod) => z.array(z.strictObject({ source: z.string(), line: z.string() }));

type Lines = Told<typeof schema>;

const MOST_FILES = 500;

function linesSection(name: string, title: string, files: readonly string[], folders: readonly string[]): Section {
  return defineSection<Lines>({
    name,
    title,
    schema,
    async read({ disk }) {
      const lines: Lines = [];
      const below = await Promise.all(folders.map(async (folder) => await filesOf(disk, folder)));
      for (const source of [...files, ...below.flat()].slice(0, MOST_FILES)) {
        for (const line of settingLines(await disk.text(source, 2 ** 20))) lines.push({ source, line });
      }
      return lines.length === 0 ? undefined : lines;
    },
    rows: (lines) => lines.map(({ source, line }) => [source, line.replace(/\s+/g, ' ')]),
  });
}

async function filesOf(disk: PoweredOff, folder: string): Promise<string[]> {
  // sudo and cron pass over the first, sysctl reads nothing but *.conf.
  const names = (await disk.names(folder)).filter(
    (name) => !name.endsWith('~') && !name.startsWith('.') && (!folder.includes('sysctl') || name.endsWith('.conf')),
  );
  return names.map((name) => `${folder}/${name}`);
}

export const sudoSection = linesSection(
  'sudo',
  'Who may become root',
  ['/etc/sudoers', '/etc/doas.conf'],
  ['/etc/sudoers.d', '/etc/doas.d'],
);

export const cronSection = linesSection(
  'cron',
  'Cron',
  ['/etc/crontab', '/etc/anacrontab'],
  ['/etc/cron.d', '/var/spool/cron/crontabs', '/var/spool/cron'],
);

export const sysctlSection = linesSection(
  'sysctl',
  'Kernel parameters',
  ['/etc/sysctl.conf'],
  ['/etc/sysctl.d', '/usr/lib/sysctl.d'],
);
