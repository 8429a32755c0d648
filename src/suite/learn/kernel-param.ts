import type { KernelParamValue } from '../../facts/index.ts';
import type { Learner } from './learner.ts';

export const kernelParamLearner: Learner = {
  check: 'kernel-param',
  test: 'has its kernel parameters set',
  requests: (name) => [{ fact: 'kernel-param', args: { name } }],
  declare(name, [value]) {
    const param = value as KernelParamValue;
    return param.exists ? { name, value: param.value } : { name, exists: false };
  },
};
