import { z } from 'zod';
import type { CoredumpValue } from '../../facts/index.ts';
import { type FactCheck, type Finding, unlearned } from '../check.ts';
import { regularExpression } from '../matchers/matches.ts';

const schema = () =>
  z.strictObject({
    none: z.boolean().meta({ description: 'true: nothing died but what is allowed; false: something did' }),
    allow: z
      .array(regularExpression)
      .min(1)
      .optional()
      .meta({ description: 'regular expressions over the name of the program or the path of its dump' }),
  });

type Declaration = z.output<ReturnType<typeof schema>>;

export const coredumpCheck: FactCheck<Declaration> = {
  name: 'coredump',
  description:
    'programs that died by a fault: core dumps where kernel.core_pattern or systemd puts them, and what the kernel logged',
  schema,
  label: () => undefined,
  requests: () => [{ fact: 'coredump', args: {} }],
  judge(d, [answer]) {
    const value = answer?.value as CoredumpValue | undefined;
    if (!value) return unlearned(answer);
    const deaths = deathsOf(value).filter(({ names }) => !allowed(d.allow, names));
    if (!d.none)
      return deaths.length > 0
        ? []
        : [{ path: ['none'], message: 'nothing has died by a fault', expected: 'a core dump', actual: 'none' }];
    const findings = deaths.map(
      ({ message }): Finding => ({ path: ['none'], message, expected: 'no core dump', actual: message }),
    );
    return value.crashes ? findings : [...findings, ...unlearned(answer)];
  },
};

/** Everything that died, with the names by which an allow-list may know it. */
export function deathsOf({ dumps, crashes = [] }: CoredumpValue): { message: string; names: string[] }[] {
  return [
    ...dumps.map(({ path, program }) => ({
      message: `${program ?? 'a program'} left a core dump: ${path}`,
      names: [path, ...(program === undefined ? [] : [program])],
    })),
    ...crashes.map(({ program, pid, line }) => ({
      message: `${program}${pid === undefined ? '' : ` (process ${pid})`} died by a fault: ${line}`,
      names: [program],
    })),
  ];
}

const allowed = (allow: readonly string[] | undefined, names: readonly string[]) =>
  (allow ?? []).some((source) => names.some((name) => new RegExp(source).test(name)));
