import type { PoweredOff } from '../offline/disk.ts';
import { diskTrouble } from '../offline/disk.ts';
import { JournalDamage, JournalObjects } from './objects.ts';

/** One entry of systemd's journal, with the fields that gvm looks at. */
export interface JournalEntry {
  /** Microseconds since 1970. */
  realtime: bigint;
  fields: ReadonlyMap<string, string>;
}

export interface JournalOnDisk {
  /** The last ones, oldest first. */
  entries: JournalEntry[];
  /** Whether there were more of this boot than were asked for. */
  more: boolean;
  damage: string[];
}

const FOLDER = '/var/log/journal';
const LARGEST = 128 * 2 ** 20;
const MOST_FILES = 64;
const FIELDS = new Set([
  'MESSAGE',
  'PRIORITY',
  'SYSLOG_IDENTIFIER',
  '_COMM',
  '_SYSTEMD_UNIT',
  'UNIT',
  'OBJECT_SYSTEMD_UNIT',
]);
const LONGEST_VALUE = 64 * 1024;

/**
 * The entries of the last boot that a disk's journal knows; undefined where the disk has no journal. What is damaged is
 * passed over and named.
 * @param most how many are kept, counted from the end
 */
export async function readJournalOnDisk(disk: PoweredOff, most: number): Promise<JournalOnDisk | undefined> {
  const damage: string[] = [];
  const files: { path: string; objects: JournalObjects | undefined; boot: string; newest: bigint }[] = [];
  const read = async (path: string) => disk.vfs.readFile(path, { limit: LARGEST, signal: disk.signal });
  let kept = 0;
  for (const path of await journalFiles(disk)) {
    try {
      const bytes = await read(path);
      const objects = new JournalObjects(bytes);
      // Holes make files large that take no room on the disk: what is beyond the memory for one is read again.
      kept += bytes.length;
      const held = kept <= LARGEST ? objects : undefined;
      files.push({ path, objects: held, boot: objects.header.lastBoot, newest: newestOf(objects) });
    } catch (error) {
      damage.push(`${path}: ${error instanceof JournalDamage ? error.message : diskTrouble(error)}`);
    }
  }
  const latest = files.reduce<(typeof files)[number] | undefined>(
    (a, b) => (a && a.newest >= b.newest ? a : b),
    undefined,
  );
  if (!latest) return damage.length > 0 ? { entries: [], more: false, damage } : undefined;
  const { boot } = latest;
  const entries: JournalEntry[] = [];
  let more = false;
  for (const { path, objects } of files) {
    const own = entriesOf(objects ?? new JournalObjects(await read(path)), boot, most);
    entries.push(...own.entries);
    more ||= own.more;
    if (own.damaged > 0) damage.push(`${path}: ${own.damaged} entries are damaged`);
  }
  entries.sort((a, b) => (a.realtime < b.realtime ? -1 : a.realtime > b.realtime ? 1 : 0));
  return { entries: entries.slice(-most), more: more || entries.length > most, damage };
}

async function journalFiles(disk: PoweredOff): Promise<string[]> {
  const files: string[] = [];
  for (const machine of await disk.names(FOLDER)) {
    for (const name of await disk.names(`${FOLDER}/${machine}`)) {
      if (/\.journal~?$/.test(name)) files.push(`${FOLDER}/${machine}/${name}`);
      if (files.length >= MOST_FILES) return files;
    }
  }
  return files;
}

/** When the last entry was written (tail_entry_realtime). */
function newestOf(objects: JournalObjects): bigint {
  const last = objects.entryOffsets().at(-1);
  return last === undefined ? -1n : objects.entry(last).realtime;
}

function entriesOf(objects: JournalObjects, boot: string, most: number) {
  const known = new Map<number, readonly [string, string] | undefined>();
  const entries: JournalEntry[] = [];
  let damaged = 0;
  let more = false;
  for (const at of objects.entryOffsets().reverse()) {
    try {
      const entry = objects.entry(at);
      if (entry.boot !== boot) continue;
      if (entries.length >= most) {
        more = true;
        break;
      }
      const fields = entry.items.flatMap((item) => {
        if (!known.has(item)) known.set(item, fieldOf(objects.data(item)));
        const field = known.get(item);
        return field ? [field] : [];
      });
      entries.push({ realtime: entry.realtime, fields: new Map(fields) });
    } catch (error) {
      if (!(error instanceof JournalDamage)) throw error;
      damaged++;
    }
  }
  return { entries: entries.reverse(), damaged, more };
}

function fieldOf(data: Buffer): readonly [string, string] | undefined {
  const equals = data.subarray(0, 64).indexOf('=');
  const name = equals < 0 ? '' : data.toString('latin1', 0, equals);
  return FIELDS.has(name) ? [name, data.toString('utf8', equals + 1, equals + 1 + LONGEST_VALUE)] : undefined;
}
