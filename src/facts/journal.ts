import { z } from 'zod';
import { shellQuote } from '../core/index.ts';
import { type Answer, defineFact, type FactOutput, outputOf } from './fact.ts';
import { type JournalOnDisk, readJournalOnDisk } from './journal-file/read.ts';
import { parseJournal, parseSyslog } from './journal-lines.ts';
import { Unanswerable } from './offline/disk.ts';
import { initOf } from './offline/init.ts';
import { partOf } from './shell.ts';

// What programs logged: of this boot in systemd's journal, or all of the first of the usual log files.

const MAX = 4 * 2 ** 20;
const MOST_ENTRIES = 50_000;
const FILES = ['/var/log/syslog', '/var/log/messages', '/var/log/everything/current'];

const word = z.string().regex(/^[\w.@:/\\-]{1,200}$/, 'expected the name of a program or unit');

const journalArgs = z.strictObject({
  identifier: word.optional(),
  unit: word.optional(),
  priority: z.int().min(0).max(7).optional(),
});

const journalValue = z.strictObject({
  source: z.string().meta({ description: 'journal, or the file that was read' }),
  entries: z.array(
    z.strictObject({
      identifier: z.string().optional().meta({ description: 'the program, as it names itself' }),
      priority: z.int().min(0).max(7).optional(),
      message: z.string(),
    }),
  ),
});

export type JournalArgs = z.output<typeof journalArgs>;
export type JournalValue = z.output<typeof journalValue>;

export const journalFact = defineFact<JournalArgs, JournalValue>({
  name: 'journal',
  description: "what programs logged: systemd's journal of this boot, or the system's log file",
  args: journalArgs,
  schema: journalValue,
  limit: (requests) => requests.length * (MAX + 100),

  fragment(requests) {
    const queries = requests.map((r, i) => {
      const filter = [
        ...(r.identifier === undefined ? [] : ['-t', r.identifier]),
        ...(r.unit === undefined ? [] : ['-u', r.unit]),
        ...(r.priority === undefined ? [] : ['-p', String(r.priority)]),
      ];
      const query = `journalctl -b -q --no-pager -o json ${filter.map(shellQuote).join(' ')}`;
      return `part journal.${i}\n{ ${query} --output-fields=PRIORITY,SYSLOG_IDENTIFIER,MESSAGE; r=$?; part status.${i}; echo $r; } | head -c ${MAX}`;
    });
    return `if [ -d /run/systemd/journal ] && command -v journalctl >/dev/null; then
for j in /var/log/journal/*/system.journal /run/log/journal/*/system.journal; do [ ! -r "$j" ] || part system; done
${queries.join('\n')}
else
for f in ${FILES.join(' ')}; do
  [ -e "$f" ] || continue
  part file
  echo "$f"
  part lines
  head -c ${MAX} "$f" && part read
  break
done
fi`;
  },

  parse(output, requests) {
    if (partOf(output, 'journal.0'))
      return requests.map((_, i) =>
        partOf(output, 'system')
          ? fromJournal(output, i)
          : { diagnostics: ["the login user may not read the system's journal"] },
      );
    const source = partOf(output, 'file')?.toString('utf8').trim();
    const data = partOf(output, 'lines');
    if (!source || !data)
      return requests.map(() => ({ diagnostics: [`the guest has no journal and none of ${FILES.join(', ')}`] }));
    if (!partOf(output, 'read')) return requests.map(() => ({ diagnostics: [`${source} may not be read`] }));
    if (data.length >= MAX) return requests.map(() => ({ diagnostics: [`${source} is larger than ${MAX} bytes`] }));
    const entries = parseSyslog(data.toString('utf8'));
    return requests.map(({ identifier, unit, priority }): Answer<JournalValue> => {
      if (unit !== undefined) return { diagnostics: ["only systemd's journal knows units; ask for an identifier"] };
      const own = entries.filter((e) => identifier === undefined || e.identifier === identifier);
      if (priority !== undefined && own.some((e) => e.priority === undefined))
        return { diagnostics: [`${source} holds lines without a priority`] };
      const serious = own.filter((e) => priority === undefined || (e.priority ?? 0) <= priority);
      return { value: { source, entries: serious }, diagnostics: [] };
    });
  },

  async offline(disk, requests) {
    const journal = await readJournalOnDisk(disk, MOST_ENTRIES);
    if (journal) return requests.map((request) => fromDisk(journal, request));
    if ((await initOf(disk)) === 'systemd') throw new Unanswerable('the journal of the disk is kept in memory only');
    for (const file of FILES) {
      const lines = await disk.read(file, MAX);
      if (lines) return this.parse(outputOf({ file, lines, read: '' }), requests);
    }
    throw new Unanswerable(`the disk has none of ${FILES.join(', ')}`);
  },
});

/** As journalctl(1) selects by -t, -u and -p; a program without a name of its own is none that was asked for. */
function fromDisk({ entries, more, damage }: JournalOnDisk, request: JournalArgs): Answer<JournalValue> {
  if (more) return { diagnostics: [`the journal of the last boot has more than ${MOST_ENTRIES} entries`] };
  if (damage.length > 0) return { diagnostics: damage };
  const { identifier, unit, priority } = request;
  const name = unit === undefined || /\.\w+$/.test(unit) ? unit : `${unit}.service`;
  const own = entries.filter(({ fields }) => {
    const level = fields.get('PRIORITY');
    return (
      (identifier === undefined || fields.get('SYSLOG_IDENTIFIER') === identifier) &&
      (priority === undefined || (level !== undefined && Number(level) <= priority)) &&
      (name === undefined || UNIT_FIELDS.some((field) => fields.get(field) === name))
    );
  });
  const value = own.map(({ fields }) => {
    const [program, level] = [fields.get('SYSLOG_IDENTIFIER'), fields.get('PRIORITY')];
    return {
      ...(program === undefined ? {} : { identifier: program }),
      ...(/^[0-7]$/.test(level ?? '') ? { priority: Number(level) } : {}),
      message: fields.get('MESSAGE') ?? '',
    };
  });
  return { value: { source: 'journal', entries: value }, diagnostics: [] };
}

const UNIT_FIELDS = ['_SYSTEMD_UNIT', 'UNIT', 'OBJECT_SYSTEMD_UNIT'];

function fromJournal(output: FactOutput, i: number): Answer<JournalValue> {
  const data = partOf(output, `journal.${i}`) ?? Buffer.alloc(0);
  const status = partOf(output, `status.${i}`)?.toString('latin1').trim();
  // The status comes last: where it is missing, the output was cut off.
  if (status === undefined) return { diagnostics: [`this part of the journal is larger than ${MAX} bytes`] };
  // 1: there is no entry.
  if (status !== '0' && !(status === '1' && data.length === 0))
    return { diagnostics: [`journalctl ended with status ${status}`] };
  const { entries, malformed } = parseJournal(data.toString('utf8'));
  const diagnostics = malformed > 0 ? [`${malformed} lines of the journal are malformed`] : [];
  return malformed > 0 ? { diagnostics } : { value: { source: 'journal', entries }, diagnostics };
}
