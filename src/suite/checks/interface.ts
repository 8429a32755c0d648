import { z } from 'zod';
import type { InterfaceValue } from '../../facts/index.ts';
import { type FactCheck, unlearned } from '../check.ts';
import type { Expectations } from '../matchers/expectations.ts';
import { contradictsAbsence, judgeExistence, judgeKeys, withReasons } from './keys.ts';

const schema = (expect: Expectations) =>
  z.strictObject({
    name: z.string().regex(/^[^\s/\0]{1,15}$/, 'expected the name of a network interface'),
    exists: z.boolean().optional(),
    addrs: expect.list.optional().meta({ description: 'with their length, as 10.0.2.15/24' }),
    mtu: expect.number.optional(),
  });

type Declaration = z.output<ReturnType<typeof schema>>;

export const interfaceCheck: FactCheck<Declaration> = {
  name: 'interface',
  description: 'a network interface; all keys but `exists: false` ask that it exists',
  subject: 'name',
  schema,
  label: (d) => d.name,
  contradiction: (d) => contradictsAbsence(d, { subject: 'name', says: 'an interface that does not exist' }),
  requests: () => [{ fact: 'interface', args: {} }],
  judge(d, [answer], compare) {
    const interfaces = answer?.value as InterfaceValue | undefined;
    if (!interfaces) return unlearned(answer);
    const found = interfaces.find((i) => i.name === d.name);
    const existence = judgeExistence(d.exists, `interface ${d.name}`, found && `MTU ${found.mtu}`);
    if (existence || !found) return existence ?? [];
    const findings = judgeKeys(d, { addrs: ['list', found.addrs], mtu: ['number', found.mtu] }, compare);
    return withReasons(findings, answer?.diagnostics ?? []);
  },
};
