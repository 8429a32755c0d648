import { z } from 'zod';
import type { PackageValue } from '../../facts/index.ts';
import { type FactCheck, unlearned } from '../check.ts';
import type { Expectations } from '../matchers/expectations.ts';
import { contradictsAbsence, judgeFlag, judgeKeys } from './keys.ts';

const schema = (expect: Expectations) =>
  z.strictObject({
    name: z
      .string()
      .max(200)
      .regex(/^[A-Za-z0-9_][\w.+-]*(\/[A-Za-z0-9_][\w+-]*)?(:[a-z0-9]+)?$/, 'expected the name of a package')
      .meta({ description: 'NAME; for Portage also CATEGORY/NAME, for dpkg NAME:ARCHITECTURE' }),
    installed: z.boolean().optional(),
    versions: expect.list
      .optional()
      .meta({ description: 'all that are installed, as the package manager writes them; of one: `contains`' }),
  });

type Declaration = z.output<ReturnType<typeof schema>>;

export const packageCheck: FactCheck<Declaration> = {
  name: 'package',
  description: 'a package of Portage, dpkg, apk, pacman or rpm, whichever rules the guest',
  subject: 'name',
  schema,
  label: (d) => d.name,
  contradiction: (d) =>
    contradictsAbsence(d, { subject: 'name', key: 'installed', says: 'a package that is not installed' }),
  requests: (d) => [{ fact: 'package', args: { name: d.name } }],
  judge(d, [answer], compare) {
    const found = answer?.value as PackageValue | undefined;
    if (!found) return unlearned(answer);
    const { manager, installed, versions } = found;
    const flag = judgeFlag(d, 'installed', installed, {
      yes: 'installed',
      no: `not installed (${manager})`,
      ...(installed ? { found: `installed: ${versions.join(', ')}` } : {}),
    });
    return flag.length > 0 ? flag : judgeKeys(d, { versions: ['list', versions] }, compare);
  },
};
