import { z } from 'zod';
import type { UserValue } from '../../facts/index.ts';
import { type FactCheck, unlearned } from '../check.ts';
import type { Expectations } from '../matchers/expectations.ts';
import { contradictsAbsence, judgeKeys } from './keys.ts';

const schema = (expect: Expectations) =>
  z.strictObject({
    name: z.string().regex(/^[^\s:/\0-][^\s:/\0]{0,254}$/, 'expected the name of a user'),
    exists: z.boolean().optional(),
    uid: expect.number.optional(),
    gid: expect.number.optional().meta({ description: 'of the primary group' }),
    groups: expect.list.optional().meta({ description: 'all groups by name, the primary one among them' }),
    home: expect.string.optional(),
    shell: expect.string.optional(),
  });

type Declaration = z.output<ReturnType<typeof schema>>;

export const userCheck: FactCheck<Declaration> = {
  name: 'user',
  description: 'an account of the guest; all keys but `exists: false` ask that it exists',
  subject: 'name',
  schema,
  label: (d) => d.name,
  contradiction: (d) => contradictsAbsence(d, { subject: 'name', says: 'who does not exist' }),
  requests: (d) => [{ fact: 'user', args: { name: d.name, ...(d.groups === undefined ? {} : { groups: true }) } }],
  judge(d, [answer], compare) {
    const user = answer?.value as UserValue | undefined;
    if (!user) return unlearned(answer);
    if (!user.exists) {
      if (d.exists === false) return [];
      return [
        {
          path: d.exists ? ['exists'] : [],
          message: `there is no user ${d.name}`,
          expected: 'exists',
          actual: 'no such user',
        },
      ];
    }
    if (d.exists === false)
      return [
        { path: ['exists'], message: `the user ${d.name} exists`, expected: 'no such user', actual: `uid ${user.uid}` },
      ];
    return judgeKeys(
      d,
      {
        uid: ['number', user.uid],
        gid: ['number', user.gid],
        groups: ['list', user.groups],
        home: ['string', user.home],
        shell: ['string', user.shell],
      },
      compare,
    );
  },
};
