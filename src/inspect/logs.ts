import { diskTrouble, type JournalEntry, type PoweredOff, readJournalOnDisk } from '../facts/powered-off.ts';

export interface LastLog {
  source: string;
  lines: string[];
  /** When it was last written, in milliseconds since 1970. */
  written: number;
}

const FILES = [
  '/var/log/syslog',
  '/var/log/messages',
  '/var/log/everything/current',
  '/var/log/rc.log',
  '/var/log/boot',
  '/var/log/boot.log',
  '/var/log/dmesg',
];
/** Bytes at the end of a file that are read. */
const TAIL = 256 * 1024;
const LONGEST_LINE = 1000;

/** The last lines of the log files that a disk has, each at most so many. */
export async function readLastLog(disk: PoweredOff, most: number, note: (text: string) => void): Promise<LastLog[]> {
  const logs: LastLog[] = [];
  const journal = await readJournalOnDisk(disk, most);
  for (const text of journal?.damage ?? []) note(text);
  if (journal && journal.entries.length > 0) logs.push(ofJournal(journal.entries));
  for (const source of FILES) {
    try {
      const found = await disk.find(source);
      if (found?.node.stat.type !== 'file' || found.node.stat.size === 0) continue;
      const from = Math.max(0, found.node.stat.size - TAIL);
      // A power cut leaves zeros where a block was given out and never written.
      const text = (await found.node.read(from, TAIL, disk.signal)).toString('utf8').replaceAll('\0', '');
      const lines = text.split('\n').filter((line) => line !== '');
      // The first one of a part of a file is none of its lines.
      const whole = from > 0 ? lines.slice(1) : lines;
      const written = found.node.stat.mtime.seconds * 1000;
      logs.push({ source, lines: whole.slice(-most).map((line) => line.slice(0, LONGEST_LINE)), written });
    } catch (error) {
      note(`${source}: ${diskTrouble(error)}`);
    }
  }
  return logs;
}

function ofJournal(entries: readonly JournalEntry[]): LastLog {
  const lines = entries.map(({ realtime, fields }) => {
    const time = new Date(Number(realtime / 1000n));
    const when = Number.isNaN(time.getTime()) ? '' : time.toISOString().slice(0, 19);
    const program = fields.get('SYSLOG_IDENTIFIER') ?? fields.get('_COMM') ?? '';
    return `${when} ${program}: ${fields.get('MESSAGE') ?? ''}`.slice(0, LONGEST_LINE);
  });
  return { source: 'journal', lines, written: Number((entries.at(-1)?.realtime ?? 0n) / 1000n) };
}
