import { z } from 'zod';
import type { ProcessValue } from '../../facts/index.ts';
import { type FactCheck, type Finding, unlearned } from '../check.ts';
import type { Expectations } from '../matchers/expectations.ts';
import { under } from '../matchers/matcher.ts';
import { judgeKeys } from './keys.ts';

const schema = (expect: Expectations) =>
  z.strictObject({
    name: z
      .string()
      .min(1)
      .max(255)
      .meta({ description: 'the whole name, also beyond the 15 characters of the kernel' }),
    running: z.boolean().optional(),
    count: expect.number.optional(),
    user: expect.string.optional().meta({ description: 'of every process of the name' }),
  });

type Declaration = z.output<ReturnType<typeof schema>>;

export const processCheck: FactCheck<Declaration> = {
  name: 'process',
  description: 'processes of a name; `user` alone asks that at least one runs',
  subject: 'name',
  schema,
  label: (d) => d.name,
  contradiction: (d) =>
    d.running === false && d.user !== undefined
      ? { path: ['user'], message: 'contradicts "running: false": what does not run has no user' }
      : undefined,
  requests: (d) => [{ fact: 'process', args: { name: d.name } }],
  judge(d, [answer], compare) {
    const found = answer?.value as ProcessValue | undefined;
    if (!found) return unlearned(answer);
    const running = found.count > 0;
    const actual = running ? `running as ${found.pids.slice(0, 10).join(', ')}` : 'no such process';
    const findings: Finding[] = judgeKeys(d, { count: ['number', found.count] }, compare);
    if (d.running !== undefined && d.running !== running)
      findings.unshift({
        path: ['running'],
        message: `running: ${d.name} ${running ? 'runs' : 'does not run'}`,
        expected: d.running ? 'running' : 'not running',
        actual,
      });
    if (d.user !== undefined && !running)
      findings.push({ path: ['user'], message: `user: ${d.name} does not run`, actual });
    if (d.user !== undefined)
      for (const user of found.users)
        findings.push(
          ...under('user', compare('string', user, d.user)).map((m) => ({ ...m, message: `user: ${m.message}` })),
        );
    return findings;
  },
};
