import { z } from 'zod';
import type { MountValue } from '../../facts/index.ts';
import { type FactCheck, unlearned } from '../check.ts';
import type { Expectations } from '../matchers/expectations.ts';
import { judgeKeys } from './keys.ts';

const schema = (expect: Expectations) =>
  z.strictObject({
    path: z.string().regex(/^\/[^\0]*$/, 'expected an absolute path'),
    exists: z.boolean().optional(),
    source: expect.string.optional(),
    fstype: expect.string.optional(),
    options: expect.list
      .optional()
      .meta({ description: 'of the mount and of its file system; mostly with `contains`' }),
  });

type Declaration = z.output<ReturnType<typeof schema>>;

export const mountCheck: FactCheck<Declaration> = {
  name: 'mount',
  description: 'a mount point; of several mounts on one path the last, which is seen',
  subject: 'path',
  schema,
  label: (d) => d.path,
  contradiction(d) {
    const other = d.exists === false ? Object.keys(d).find((key) => key !== 'path' && key !== 'exists') : undefined;
    return other === undefined
      ? undefined
      : { path: [other], message: `contradicts "exists: false": what is not mounted has no ${other}` };
  },
  requests: () => [{ fact: 'mount', args: {} }],
  judge(d, [answer], compare) {
    const mounts = answer?.value as MountValue | undefined;
    if (!mounts) return unlearned(answer);
    const path = d.path.replace(/(.)\/+$/, '$1');
    const mount = mounts.findLast((m) => m.path === path);
    if (!mount) {
      if (d.exists === false) return [];
      return [
        {
          path: d.exists ? ['exists'] : [],
          message: `nothing is mounted on ${path}`,
          expected: 'mounted',
          actual: 'not mounted',
        },
      ];
    }
    const { source, fstype, options } = mount;
    if (d.exists === false)
      return [
        {
          path: ['exists'],
          message: `${path} is mounted`,
          expected: 'not mounted',
          actual: `${fstype} from ${source}`,
        },
      ];
    return judgeKeys(
      d,
      { source: ['string', source], fstype: ['string', fstype], options: ['list', options] },
      compare,
    );
  },
};
