import { z } from 'zod';
import type { ModuleValue } from '../../facts/index.ts';
import { type FactCheck, type Finding, unlearned } from '../check.ts';
import type { Expectations } from '../matchers/expectations.ts';
import { judgeFlag } from './keys.ts';

const schema = (expect: Expectations) =>
  z.strictObject({
    name: z.string().regex(/^[A-Za-z0-9_-]{1,100}$/, 'expected the name of a kernel module'),
    loaded: z.boolean().optional().meta({ description: 'as lsmod shows it; what is built in is not' }),
    builtin: z.boolean().optional().meta({ description: 'part of the kernel itself' }),
    available: z
      .boolean()
      .optional()
      .meta({ description: 'loaded, built in, or among the modules that the guest has for its kernel' }),
    parameters: z
      .record(z.string().regex(/^\w{1,100}$/, 'expected the name of a parameter'), expect.scalar)
      .refine((parameters) => Object.keys(parameters).length > 0, 'asserts nothing: name a parameter')
      .optional()
      .meta({ description: 'as /sys/module shows them' }),
  });

type Declaration = z.output<ReturnType<typeof schema>>;

export const moduleCheck: FactCheck<Declaration> = {
  name: 'module',
  description: 'a module of the running kernel; "-" and "_" are the same in its name',
  subject: 'name',
  live: ['loaded', 'parameters'],
  schema,
  label: (d) => d.name,
  requests: ({ name, parameters }) => [
    { fact: 'module', args: { name, ...(parameters ? { parameters: Object.keys(parameters) } : {}) } },
  ],
  judge(d, [answer], compare) {
    const module = answer?.value as ModuleValue | undefined;
    if (!module) return unlearned(answer);
    const { loaded, builtin, file, indexed, release } = module;
    const available = loaded || builtin || file !== undefined;
    // Without an index of modules its absence proves nothing.
    const known = available || (indexed && builtin !== undefined) ? available : undefined;
    const found = stateOf(module);
    const parameters = Object.entries(d.parameters ?? {}).flatMap(([name, expected]): Finding[] => {
      const path = ['parameters', name];
      const actual = module.parameters?.[name];
      if (actual === undefined) return [{ path, message: `${name}: ${d.name} shows no such parameter` }];
      return compare('scalar', actual, expected).map((m) => ({
        ...m,
        path: [...path, ...m.path],
        message: `${name}: ${m.message}`,
      }));
    });
    return [
      ...judgeFlag(d, 'loaded', loaded, { yes: 'loaded', no: 'not loaded', found }),
      ...judgeFlag(d, 'builtin', builtin, { yes: 'built in', no: 'not built in', found }),
      ...judgeFlag(d, 'available', known, { yes: 'available', no: `not available for ${release}`, found }),
      ...parameters,
    ];
  },
};

function stateOf({ loaded, builtin, file, indexed, release }: ModuleValue): string {
  if (loaded) return 'loaded';
  if (builtin) return 'built in';
  if (file !== undefined) return `not loaded; ${file} is there`;
  return indexed ? `no module of ${release}` : `there are no modules for ${release}`;
}
