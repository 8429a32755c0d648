import { z } from 'zod';
import type { FilesystemValue, MountValue } from '../../facts/index.ts';
import { type FactCheck, unlearned } from '../check.ts';
import type { Expectations } from '../matchers/expectations.ts';
import { contradictsAbsence, judgeKeys, withReasons } from './keys.ts';

const schema = (expect: Expectations) =>
  z.strictObject({
    path: z.string().regex(/^\/[^\0]*$/, 'expected an absolute path'),
    exists: z.boolean().optional(),
    source: expect.string.optional(),
    fstype: expect.string.optional(),
    options: expect.list
      .optional()
      .meta({ description: 'of the mount and of its file system; mostly with `contains`' }),
    usage: expect.number.optional().meta({ description: 'percent that is used, as df counts it' }),
  });

type Declaration = z.output<ReturnType<typeof schema>>;

export const mountCheck: FactCheck<Declaration> = {
  name: 'mount',
  description: 'a mount point; of several mounts on one path the last, which is seen',
  subject: 'path',
  schema,
  label: (d) => d.path,
  contradiction: (d) => contradictsAbsence(d, { subject: 'path', says: 'what is not mounted' }),
  requests: (d) => [
    { fact: 'mount', args: {} },
    ...(d.usage === undefined ? [] : [{ fact: 'filesystem', args: { path: d.path } }]),
  ],
  judge(d, [answer, sizes], compare) {
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
    const { used } = (sizes?.value ?? {}) as Partial<Extract<FilesystemValue, { exists: true }>>;
    const learned = {
      source: ['string', source],
      fstype: ['string', fstype],
      options: ['list', options],
      usage: ['number', used],
    } as const;
    return withReasons(judgeKeys(d, learned, compare), sizes?.diagnostics ?? []);
  },
};
