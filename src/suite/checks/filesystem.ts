import { z } from 'zod';
import type { FilesystemValue } from '../../facts/index.ts';
import { type FactCheck, unlearned } from '../check.ts';
import type { Expectations } from '../matchers/expectations.ts';
import { judgeKeys, withReasons } from './keys.ts';

const schema = (expect: Expectations) =>
  z.strictObject({
    path: z
      .string()
      .regex(/^\/[^\0]*$/, 'expected an absolute path')
      .meta({ description: 'a mount point or a block device' }),
    mounted: expect.string.optional().meta({ description: 'where' }),
    device: expect.string.optional(),
    type: expect.string.optional(),
    label: expect.string.optional(),
    uuid: expect.string.optional(),
    size: expect.size.optional(),
    free: expect.size.optional().meta({ description: 'for users; what is kept for root does not count' }),
    used: expect.number.optional().meta({ description: 'percent, rounded up, as df counts it' }),
    inodes: expect.number.optional().meta({ description: 'percent that is used; 0 where they are not counted' }),
  });

type Declaration = z.output<ReturnType<typeof schema>>;

export const filesystemCheck: FactCheck<Declaration> = {
  name: 'filesystem',
  description: 'the file system at a mount point or on a block device; sizes are known of what is mounted',
  subject: 'path',
  schema,
  label: (d) => d.path,
  requests: (d) => [{ fact: 'filesystem', args: { path: d.path } }],
  judge(d, [answer], compare) {
    const found = answer?.value as FilesystemValue | undefined;
    if (!found) return unlearned(answer);
    if (!found.exists)
      return [
        { path: [], message: `${d.path} is neither a mount point nor a block device`, expected: 'a file system' },
      ];
    const { mounted = 'nowhere', device, type, label, uuid, size, free, used, inodes } = found;
    const findings = judgeKeys(
      d,
      {
        mounted: ['string', mounted],
        device: ['string', device],
        type: ['string', type],
        label: ['string', label],
        uuid: ['string', uuid],
        size: ['size', size],
        free: ['size', free],
        used: ['number', used],
        inodes: ['number', inodes],
      },
      compare,
    );
    return withReasons(findings, answer?.diagnostics ?? []);
  },
};
