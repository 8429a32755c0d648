import { diskTrouble, type PoweredOff } from '../facts/index.ts';

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
  for (const source of FILES) {
    try {
      const found = await disk.find(source);
      if (found?.node.stat.type !== 'file' || found.node.stat.size === 0) continue;
      const from = Math.max(0, found.node.stat.size - TAIL);
      const text = (await found.node.read(from, TAIL, disk.signal)).toString('utf8');
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
