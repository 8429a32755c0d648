import type { KernelValue } from '../../facts/index.ts';
import { always, type Learner } from './learner.ts';

export const kernelLearner: Learner = {
  check: 'kernel',
  test: 'runs its kernel',
  survey: always(''),
  requests: () => [{ fact: 'kernel', args: {} }],
  declare(_, [value]) {
    const { release, arch, taint } = value as KernelValue;
    return { release, arch, ...(taint === 0 ? { taint } : {}) };
  },
};
