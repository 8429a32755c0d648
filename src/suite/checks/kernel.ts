import { z } from 'zod';
import type { KernelValue } from '../../facts/index.ts';
import { type FactCheck, unlearned } from '../check.ts';
import type { Expectations } from '../matchers/expectations.ts';
import { judgeKeys } from './keys.ts';

const schema = (expect: Expectations) =>
  z.strictObject({
    release: expect.string.optional().meta({ description: 'as uname -r says it' }),
    arch: expect.string.optional().meta({ description: 'as uname -m says it' }),
    taint: expect.number.optional().meta({ description: 'the taint mask; 0 is a clean kernel' }),
  });

type Declaration = z.output<ReturnType<typeof schema>>;

export const kernelCheck: FactCheck<Declaration> = {
  name: 'kernel',
  description: 'the running kernel',
  schema,
  label: () => undefined,
  requests: () => [{ fact: 'kernel', args: {} }],
  judge(d, [answer], compare) {
    const kernel = answer?.value as KernelValue | undefined;
    if (!kernel) return unlearned(answer);
    const { release, arch, taint, taints } = kernel;
    return judgeKeys(
      d,
      { release: ['string', release], arch: ['string', arch], taint: ['number', taint] },
      compare,
    ).map((f) =>
      f.path[0] === 'taint' && taints.length > 0 ? { ...f, message: `${f.message} (${taints.join(', ')})` } : f,
    );
  },
};
