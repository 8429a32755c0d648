import type { OpenrcValue } from '../../facts/index.ts';
import { always, type Learner } from './learner.ts';

export const openrcLearner: Learner = {
  check: 'openrc',
  test: 'reaches its runlevel',
  survey: always(''),
  requests: () => [{ fact: 'openrc', args: {} }],
  declare(_, [value]) {
    const { runlevel, crashed } = value as OpenrcValue;
    // A powered-off disk reached none.
    return runlevel === undefined ? undefined : { runlevel, crashed };
  },
};
