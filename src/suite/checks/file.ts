import { z } from 'zod';
import { type FileValue, fileSums, fileTypes } from '../../facts/index.ts';
import { type FactCheck, unlearned } from '../check.ts';
import type { Expectations } from '../matchers/expectations.ts';
import { contradictsAbsence, judgeKeys, withReasons } from './keys.ts';

const mode = z
  .string()
  .regex(/^0?[0-7]{3,4}$/, 'expected a file mode in octal such as "0644"')
  .transform((text) => text.slice(-4).padStart(4, '0'));
const modes = z.array(mode).min(1).optional();
const isSaid = (matcher: object) => Object.keys(matcher).length > 0;

const digits = (length: number) =>
  z
    .string()
    .regex(new RegExp(`^[0-9a-f]{${length}}$`), `expected ${length} hexadecimal digits in lower case`)
    .optional()
    .meta({ description: 'links are followed' });

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
    size: expect.size.optional(),
    md5: digits(32),
    sha256: digits(64),
    sha512: digits(128),
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
  contradiction: (d) => contradictsAbsence(d, { subject: 'path', says: 'what does not exist' }),
  requests(d) {
    const sums = fileSums.filter((sum) => d[sum] !== undefined);
    const args = {
      path: d.path,
      ...(d.contents === undefined ? {} : { contents: true }),
      ...(sums.length === 0 ? {} : { sums }),
      ...(d.target === undefined ? {} : { target: true }),
    };
    return [{ fact: 'file', args }];
  },
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
        size: ['size', file.size],
        md5: ['string', file.md5],
        sha256: ['string', file.sha256],
        sha512: ['string', file.sha512],
        contents: ['text', file.contents],
        target: ['string', file.type === 'symlink' ? file.target : `no link but a ${file.type}`],
      },
      compare,
    );
    return withReasons(findings, answer?.diagnostics ?? []);
  },
};
