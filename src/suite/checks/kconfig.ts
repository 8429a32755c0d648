import { z } from 'zod';
import type { KconfigValue } from '../../facts/index.ts';
import { type FactCheck, type Finding, unlearned } from '../check.ts';
import type { Expectations } from '../matchers/expectations.ts';

const schema = (expect: Expectations) =>
  z.strictObject({}).catchall(
    z
      .union([expect.scalar, z.array(z.union([z.string(), z.number()])).min(1, 'an empty list allows nothing')], {
        error: 'expected a value such as y, m, n, a number or text; a list of which one is right; or a matcher',
      })
      .meta({ description: 'y, m, n (not set), a number or text; a list means one of these' }),
  );

type Declaration = z.output<ReturnType<typeof schema>>;

export const kconfigCheck: FactCheck<Declaration> = {
  name: 'kconfig',
  description: 'the configuration of the running kernel, symbol by symbol',
  schema,
  label: () => undefined,
  contradiction(d) {
    const odd = Object.keys(d).find((key) => !/^CONFIG_\w{1,120}$/.test(key));
    return odd === undefined
      ? undefined
      : { path: [odd], message: `unknown key; the symbols of a kernel configuration begin with CONFIG_` };
  },
  requests: (d) => [{ fact: 'kconfig', args: { symbols: Object.keys(d) } }],
  judge(d, [answer], compare) {
    const config = answer?.value as KconfigValue | undefined;
    if (!config) return unlearned(answer);
    return Object.keys(d).flatMap((symbol): Finding[] => {
      const expected = d[symbol];
      const set = Object.hasOwn(config.values, symbol) ? config.values[symbol] : undefined;
      const actual = set ?? 'n';
      const found = set === undefined ? 'n (not set)' : actual;
      if (!Array.isArray(expected))
        return compare('scalar', actual, expected).map((m) => ({
          path: [symbol, ...m.path],
          message: `${symbol}: ${m.message.replace(/, found .*$/, '')}, found ${found} in ${config.source}`,
          expected: m.expected,
          actual: found,
        }));
      if (expected.some((one) => compare('scalar', actual, one).length === 0)) return [];
      const wanted = `one of ${expected.join(', ')}`;
      return [
        {
          path: [symbol],
          message: `${symbol}: expected ${wanted}, found ${found} in ${config.source}`,
          expected: wanted,
          actual: found,
        },
      ];
    });
  },
};
