import type { ProcessValue } from '../../facts/index.ts';
import type { Learner } from './learner.ts';

export const processLearner: Learner = {
  check: 'process',
  test: 'runs its processes',
  requests: (name) => [{ fact: 'process', args: { name } }],
  declare(name, [value]) {
    const { count, users } = value as ProcessValue;
    const [user, second] = new Set(users);
    return { name, running: count > 0, ...(user !== undefined && second === undefined ? { user } : {}) };
  },
};
