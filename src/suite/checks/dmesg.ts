import { z } from 'zod';
import { type DmesgValue, logLevels } from '../../facts/index.ts';
import { type FactCheck, unlearned } from '../check.ts';
import type { Expectations } from '../matchers/expectations.ts';
import { judgeLines, lineKeys } from './lines.ts';

const schema = (expect: Expectations) =>
  z.strictObject({
    level: z.enum(logLevels).optional().meta({ description: 'only lines of this level or a more serious one' }),
    from: z
      .enum(['kernel', 'all'])
      .optional()
      .meta({ description: 'all: what programs wrote to /dev/kmsg as well; kernel where it is not given' }),
    ...lineKeys(expect),
  });

type Declaration = z.output<ReturnType<typeof schema>>;

export const dmesgCheck: FactCheck<Declaration> = {
  name: 'dmesg',
  description: 'the log of the kernel, without its time stamps',
  schema,
  label: (d) => d.level,
  contradiction: (d) =>
    d.lines === undefined && d.count === undefined
      ? { path: [], message: 'asserts nothing: give at least one of lines, count' }
      : undefined,
  requests: () => [{ fact: 'dmesg', args: {} }],
  judge(d, [answer], compare) {
    const log = answer?.value as DmesgValue | undefined;
    if (!log) return unlearned(answer);
    const level = d.level === undefined ? logLevels.length : logLevels.indexOf(d.level);
    const lines = log.filter((line) => line.level <= level && (line.kernel || d.from === 'all'));
    return judgeLines(
      d,
      lines.map((line) => line.text),
      compare,
    );
  },
};
