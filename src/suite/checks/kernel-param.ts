import { z } from 'zod';
import type { KernelParamValue } from '../../facts/index.ts';
import { type FactCheck, unlearned } from '../check.ts';
import type { Expectations } from '../matchers/expectations.ts';
import { contradictsAbsence, judgeExistence, judgeKeys } from './keys.ts';

const schema = (expect: Expectations) =>
  z.strictObject({
    name: z
      .string()
      .max(255)
      .regex(/^[\w-]+([./][\w:@+-]+)+$/, 'expected the name of a kernel parameter such as net.ipv4.ip_forward'),
    exists: z.boolean().optional(),
    value: expect.scalar.optional().meta({ description: 'several words have single spaces between them' }),
  });

type Declaration = z.output<ReturnType<typeof schema>>;

export const kernelParamCheck: FactCheck<Declaration> = {
  name: 'kernel-param',
  description: 'a parameter of the running kernel (sysctl)',
  subject: 'name',
  schema,
  label: (d) => d.name,
  contradiction: (d) => contradictsAbsence(d, { subject: 'name', says: 'a parameter that does not exist' }),
  requests: (d) => [{ fact: 'kernel-param', args: { name: d.name } }],
  judge(d, [answer], compare) {
    const param = answer?.value as KernelParamValue | undefined;
    if (!param) return unlearned(answer);
    const existence = judgeExistence(d.exists, `kernel parameter ${d.name}`, param.exists ? param.value : undefined);
    if (existence || !param.exists) return existence ?? [];
    return judgeKeys(d, { value: ['scalar', param.value] }, compare);
  },
};
