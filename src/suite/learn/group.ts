import type { GroupValue } from '../../facts/index.ts';
import type { Learner } from './learner.ts';

export const groupLearner: Learner = {
  check: 'group',
  test: 'has its groups',
  requests: (name) => [{ fact: 'group', args: { name } }],
  declare(name, [value]) {
    const group = value as GroupValue;
    return group.exists ? { name, gid: group.gid, members: group.members } : { name, exists: false };
  },
};
