import { z } from 'zod';
import { type JournalValue, logLevels } from '../../facts/index.ts';
import { type FactCheck, unlearned } from '../check.ts';
import type { Expectations } from '../matchers/expectations.ts';
import { judgeLines, lineKeys } from './lines.ts';

const name = z.string().regex(/^[\w.@:/\\-]{1,200}$/, 'expected the name of a program or unit');

const schema = (expect: Expectations) =>
  z.strictObject({
    identifier: name.optional().meta({ description: 'only lines of this program, as it names itself: sshd, kernel' }),
    unit: name.optional().meta({ description: "only lines of this unit; only systemd's journal knows" }),
    level: z.enum(logLevels).optional().meta({ description: 'only lines of this level or a more serious one' }),
    ...lineKeys(expect),
  });

type Declaration = z.output<ReturnType<typeof schema>>;

export const journalCheck: FactCheck<Declaration> = {
  name: 'journal',
  description:
    "what programs logged, as `program: message`: systemd's journal of this boot, else the whole of /var/log/syslog, /var/log/messages or metalog's file",
  schema,
  label: (d) => d.unit ?? d.identifier ?? d.level,
  contradiction: (d) =>
    d.lines === undefined && d.count === undefined
      ? { path: [], message: 'asserts nothing: give at least one of lines, count' }
      : undefined,
  requests: ({ identifier, unit, level }) => [
    {
      fact: 'journal',
      args: {
        ...(identifier === undefined ? {} : { identifier }),
        ...(unit === undefined ? {} : { unit }),
        ...(level === undefined ? {} : { priority: logLevels.indexOf(level) }),
      },
    },
  ],
  judge(d, [answer], compare) {
    const journal = answer?.value as JournalValue | undefined;
    if (!journal) return unlearned(answer);
    const lines = journal.entries.map((e) =>
      e.identifier === undefined ? e.message : `${e.identifier}: ${e.message}`,
    );
    return judgeLines(d, lines, compare);
  },
};
