import { z } from 'zod';
import { type FileValue, fileTypes } from '../../facts/index.ts';
import { type FactCheck, unlearned } from '../check.ts';
import type { Expectations } from '../matchers/expectations.ts';
import { judgeKeys } from './keys.ts';

const mode = z
  .string()
  .regex(/^0?[0-7]{3,4}$/, 'expected a file mode in octal such as "0644"')
  .transform((text) => text.slice(-4).padStart(4, '0'));
const modes = z.array(mode).min(1).optional();
const isSaid = (matcher: object) => Object.keys(matcher).length > 0;

const schema = (expect: Expectations) =>
  z.strictObject({
    path: z.string().regex(/^\/[^\0]*$/, 'expected an absolute path'),
    exists: z.boolean().optional(),
    type: z.enum(fileTypes).optional().meta({ description: 'of the path itself: a link is a symlink' }),
    mode: z
      .union(
        [
          mode,
          z
            .strictObject({ any: modes, none: modes, not: mode.optional() })
            .refine(isSaid, 'an empty matcher asserts nothing'),
        ],
        {
          error: 'expected text: a file mode such as "0644"',
        },
      )
      .optional()
      .meta({ description: 'permission bits in octal, quoted; or `any`, `none`, `not` of such' }),
    owner: expect.string.optional(),
    group: expect.string.optional(),
    size: expect.number.optional().meta({ description: 'in bytes' }),
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'expected 64 hexadecimal digits in lower case')
      .optional(),
    contents: expect.text.optional().meta({ description: 'of at most 1 MiB; links are followed' }),
    target: expect.string.optional().meta({ description: 'where a symbolic link points, as it is written' }),
  });

type Declaration = z.output<ReturnType<typeof schema>>;

export const fileCheck: FactCheck<Declaration> = {
  name: 'file',
  description: 'a path in the guest and what stands there; all keys but `exists: false` ask that it exists',
  subject: 'path',
  schema,
  label: (d) => d.path,
  contradiction(d) {
    const other = d.exists === false ? Object.keys(d).find((key) => key !== 'path' && key !== 'exists') : undefined;
    return other === undefined
      ? undefined
      : { path: [other], message: `contradicts "exists: false": what does not exist has no ${other}` };
  },
  requests: (d) => [
    {
      fact: 'file',
      args: {
        path: d.path,
        ...(d.contents === undefined ? {} : { contents: true }),
        ...(d.sha256 === undefined ? {} : { sha256: true }),
        ...(d.target === undefined ? {} : { target: true }),
      },
    },
  ],
  judge(d, [answer], compare) {
    const file = answer?.value as FileValue | undefined;
    if (!file) return unlearned(answer);
    if (!file.exists) {
      if (d.exists === false) return [];
      return [
        {
          path: d.exists ? ['exists'] : [],
          message: `${d.path} does not exist`,
          expected: 'it exists',
          actual: 'nothing there',
        },
      ];
    }
    if (d.exists === false)
      return [{ path: ['exists'], message: `${d.path} exists`, expected: 'nothing there', actual: `a ${file.type}` }];
    const findings = judgeKeys(
      d,
      {
        type: ['string', file.type],
        mode: ['string', file.mode],
        owner: ['string', file.owner],
        group: ['string', file.group],
        size: ['number', file.size],
        sha256: ['string', file.sha256],
        contents: ['text', file.contents],
        target: ['string', file.type === 'symlink' ? file.target : `no link but a ${file.type}`],
      },
      compare,
    );
    const why = answer?.diagnostics.join('; ');
    return findings.map((f) => (f.actual === undefined && why ? { ...f, message: `${f.message}: ${why}` } : f));
  },
};
