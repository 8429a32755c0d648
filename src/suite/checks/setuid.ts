import { z } from 'zod';
import type { SetuidValue } from '../../facts/index.ts';
import { type FactCheck, unlearned } from '../check.ts';
import type { Expectations } from '../matchers/expectations.ts';
import { judgeKeys } from './keys.ts';

const path = z.string().regex(/^\/[^\0]*$/, 'expected an absolute path');

const schema = (expect: Expectations) =>
  z.strictObject({
    paths: z.array(path).min(1).max(64).optional().meta({ description: 'where to look; [/] where it is not given' }),
    files: expect.list.meta({ description: 'the paths of all such files' }),
  });

type Declaration = z.output<ReturnType<typeof schema>>;

export const setuidCheck: FactCheck<Declaration> = {
  name: 'setuid',
  description:
    'the regular files with the setuid or setgid bit below some folders; other file systems mounted below them are not entered',
  schema,
  label: (d) => d.paths?.join(', ') ?? '/',
  requests: (d) => [{ fact: 'setuid', args: { paths: d.paths ?? ['/'] } }],
  judge(d, [answer], compare) {
    const files = answer?.value as SetuidValue | undefined;
    if (!files) return unlearned(answer);
    return judgeKeys(d, { files: ['list', files] }, compare);
  },
};
