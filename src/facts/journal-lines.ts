// Reads what log daemons write. The journal: one JSON object a line (journalctl -o json); a message that is not UTF-8
// is a list of bytes. Log files: the format of RFC 3164 as sysklogd, rsyslog, syslog-ng and busybox write it (busybox
// with "facility.level"), with a date of either kind, and metalog's "[program] message".
import { levelOf } from './log-levels.ts';

export interface LogEntry {
  identifier?: string;
  /** 0 to 7: emerg to debug. */
  priority?: number;
  message: string;
}

export function parseJournal(text: string): { entries: LogEntry[]; malformed: number } {
  const entries: LogEntry[] = [];
  let malformed = 0;
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    const entry = parseRecord(line);
    if (entry) entries.push(entry);
    else malformed++;
  }
  return { entries, malformed };
}

function parseRecord(line: string): LogEntry | undefined {
  let record: unknown;
  try {
    record = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (record === null || typeof record !== 'object') return undefined;
  const { MESSAGE, PRIORITY, SYSLOG_IDENTIFIER } = record as Record<string, unknown>;
  const identifier = textOf(SYSLOG_IDENTIFIER);
  return {
    ...(identifier === undefined ? {} : { identifier }),
    ...(/^[0-7]$/.test(String(PRIORITY)) ? { priority: Number(PRIORITY) } : {}),
    message: textOf(MESSAGE) ?? '',
  };
}

/** A field: text, bytes, or several of these of which the first counts; null where it was too long. */
function textOf(field: unknown): string | undefined {
  if (typeof field === 'string') return field;
  if (!Array.isArray(field)) return undefined;
  if (field.every((byte) => typeof byte === 'number')) return Buffer.from(field).toString('utf8');
  return textOf(field[0]);
}

const DATE = String.raw`(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d))`;
const LINE = new RegExp(String.raw`^${DATE} \S+ (?:[a-z0-9]+\.([a-z]+) )?(.*)$`);
const TAGGED = /^([^\s:[]+)(?:\[\d+\])?: ?(.*)$/;
const METALOG = new RegExp(String.raw`^${DATE} \[([^\]]+)\] (.*)$`);

/** A line that fits no format is a message of nobody. */
export function parseSyslog(text: string): LogEntry[] {
  return text.split('\n').flatMap((line): LogEntry[] => {
    if (line === '') return [];
    const metalog = METALOG.exec(line);
    if (metalog) return [{ identifier: metalog[1] ?? '', message: metalog[2] ?? '' }];
    const match = LINE.exec(line);
    if (!match) return [{ message: line }];
    const [, level, said = ''] = match;
    const [, identifier, message = said] = TAGGED.exec(said) ?? [];
    const priority = level === undefined ? undefined : levelOf(level);
    return [
      {
        ...(identifier === undefined ? {} : { identifier }),
        ...(priority === undefined ? {} : { priority }),
        message,
      },
    ];
  });
}
