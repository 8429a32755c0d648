import { always, type Learner } from './learner.ts';

export const setuidLearner: Learner = {
  check: 'setuid',
  test: 'has these setuid and setgid programs, and no other',
  survey: always(''),
  requests: () => [{ fact: 'setuid', args: { paths: ['/'] } }],
  declare: (_, [files]) => ({ files }),
};
