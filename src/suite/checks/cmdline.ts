import { z } from 'zod';
import type { CmdlineValue } from '../../facts/index.ts';
import { type FactCheck, type Finding, unlearned } from '../check.ts';
import type { Expectations } from '../matchers/expectations.ts';
import type { Compare } from '../matchers/matcher.ts';
import { judgeKeys } from './keys.ts';

const schema = (expect: Expectations) => {
  const value = z
    .union([z.boolean(), expect.scalar, expect.list], {
      error: 'expected true, false, a value, a list of all its values or a matcher',
    })
    .meta({
      description: 'true: it is given; false: it is not; a value or matcher: the last one; a list: all of them',
    });
  return z.strictObject({
    line: expect.text.optional().meta({ description: 'the whole of it' }),
    parameters: z
      .record(z.string().regex(/^[^\s"=]+$/, 'expected the name of a parameter, without "="'), value)
      .refine((parameters) => Object.keys(parameters).length > 0, 'asserts nothing: name a parameter')
      .optional()
      .meta({ description: 'by name; "-" and "_" are the same, and what follows "--" is not the kernel\'s' }),
  });
};

type Declaration = z.output<ReturnType<typeof schema>>;

export const cmdlineCheck: FactCheck<Declaration> = {
  name: 'cmdline',
  description: 'the command line of the running kernel',
  schema,
  label: () => undefined,
  requests: () => [{ fact: 'cmdline', args: {} }],
  judge(d, [answer], compare) {
    const cmdline = answer?.value as CmdlineValue | undefined;
    if (!cmdline) return unlearned(answer);
    const whole = judgeKeys(d, { line: ['text', cmdline.line] }, compare);
    const single = Object.entries(d.parameters ?? {}).flatMap(([name, expected]) =>
      judgeParameter(name, expected, cmdline.parameters, compare),
    );
    return [...whole, ...single];
  },
};

function judgeParameter(
  name: string,
  expected: unknown,
  parameters: CmdlineValue['parameters'],
  compare: Compare,
): Finding[] {
  const values = parameters.filter((p) => p.name === name.replaceAll('-', '_')).map((p) => p.value);
  const path = ['parameters', name];
  const given = values.map((value) => (value === null ? name : `${name}=${value}`)).join(' ');
  if (typeof expected === 'boolean') {
    if (expected === values.length > 0) return [];
    const message = expected ? `${name} is not given` : `${name} is given`;
    return [{ path, message, expected: expected ? 'given' : 'not given', actual: given || 'not given' }];
  }
  if (values.length === 0 && !Array.isArray(expected))
    return [{ path, message: `${name} is not given`, expected: 'given', actual: 'not given' }];
  const found = values.map((value) => value ?? '');
  const mismatches = Array.isArray(expected)
    ? compare('list', found, expected)
    : compare('scalar', found.at(-1), expected);
  return mismatches.map((m) => ({ ...m, path: [...path, ...m.path], message: `${name}: ${m.message}` }));
}
