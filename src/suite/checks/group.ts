import { z } from 'zod';
import type { GroupValue } from '../../facts/index.ts';
import { type FactCheck, unlearned } from '../check.ts';
import type { Expectations } from '../matchers/expectations.ts';
import { contradictsAbsence, judgeExistence, judgeKeys } from './keys.ts';

const schema = (expect: Expectations) =>
  z.strictObject({
    name: z.string().regex(/^[^\s:/\0-][^\s:/\0]{0,254}$/, 'expected the name of a group'),
    exists: z.boolean().optional(),
    gid: expect.number.optional(),
    members: expect.list.optional().meta({ description: 'those whose primary group is another' }),
  });

type Declaration = z.output<ReturnType<typeof schema>>;

export const groupCheck: FactCheck<Declaration> = {
  name: 'group',
  description: 'a group of the guest; all keys but `exists: false` ask that it exists',
  subject: 'name',
  schema,
  label: (d) => d.name,
  contradiction: (d) => contradictsAbsence(d, { subject: 'name', says: 'a group that does not exist' }),
  requests: (d) => [{ fact: 'group', args: { name: d.name } }],
  judge(d, [answer], compare) {
    const group = answer?.value as GroupValue | undefined;
    if (!group) return unlearned(answer);
    const found = group.exists ? `gid ${group.gid}` : undefined;
    const existence = judgeExistence(d.exists, `group ${d.name}`, found);
    if (existence || !group.exists) return existence ?? [];
    return judgeKeys(d, { gid: ['number', group.gid], members: ['list', group.members] }, compare);
  },
};
