import { z } from 'zod';
import type { PartitionValue } from '../../facts/index.ts';
import { type FactCheck, type Finding, unlearned } from '../check.ts';
import type { Expectations } from '../matchers/expectations.ts';
import type { Compare } from '../matchers/matcher.ts';
import { judgeKeys, withReasons } from './keys.ts';

const onePartition = (expect: Expectations) =>
  z
    .strictObject({
      type: expect.string
        .optional()
        .meta({ description: 'GUID in lower case, 0x83 in a table of dos, or the name of the type' }),
      label: expect.string.optional(),
      uuid: expect.string.optional(),
      start: expect.size.optional(),
      size: expect.size.optional(),
      filesystem: expect.string.optional().meta({ description: 'what blkid finds in it; "" for nothing' }),
    })
    .refine((partition) => Object.keys(partition).length > 0, 'asserts nothing: give a key of the partition');

const schema = (expect: Expectations) =>
  z.strictObject({
    disk: z.string().regex(/^\/[^\0]*$/, 'expected the path of a block device'),
    table: expect.string.optional().meta({ description: 'gpt, dos, …, or none' }),
    size: expect.size.optional().meta({ description: 'of the disk' }),
    count: expect.number.optional().meta({ description: 'how many partitions there are' }),
    partitions: z
      .record(z.string().min(1), onePartition(expect))
      .refine((partitions) => Object.keys(partitions).length > 0, 'asserts nothing: name a partition')
      .optional()
      .meta({ description: 'by number or label' }),
  });

type Declaration = z.output<ReturnType<typeof schema>>;
type Found = Extract<PartitionValue, { exists: true }>['partitions'][number];

export const partitionCheck: FactCheck<Declaration> = {
  name: 'partition',
  description: 'the partition table of a disk',
  subject: 'disk',
  schema,
  label: (d) => d.disk,
  requests: (d) => [{ fact: 'partition', args: { disk: d.disk } }],
  judge(d, [answer], compare) {
    const disk = answer?.value as PartitionValue | undefined;
    if (!disk) return unlearned(answer);
    if (!disk.exists) return [{ path: [], message: `${d.disk} is no block device`, expected: 'a disk' }];
    const whole = judgeKeys(
      d,
      { table: ['string', disk.table], size: ['size', disk.size], count: ['number', disk.partitions.length] },
      compare,
    );
    const single = Object.entries(d.partitions ?? {}).flatMap(([name, expected]): Finding[] => {
      const path = ['partitions', name];
      const found =
        disk.partitions.find((p) => String(p.number) === name) ?? disk.partitions.find((p) => p.label === name);
      if (!found) return [{ path, message: `there is no partition ${name}`, actual: listOf(disk.partitions) }];
      return judgePartition(expected, found, compare).map((f) => ({
        ...f,
        path: [...path, ...f.path],
        message: `partition ${name}: ${f.message}`,
      }));
    });
    return withReasons([...whole, ...single], answer?.diagnostics ?? []);
  },
};

function judgePartition(expected: NonNullable<Declaration['partitions']>[string], found: Found, compare: Compare) {
  const { type, typeName, label, uuid, start, size, filesystem } = found;
  const byGuid = judgeKeys(expected, { type: ['string', type] }, compare);
  const byName = typeName === undefined ? byGuid : judgeKeys(expected, { type: ['string', typeName] }, compare);
  const others = judgeKeys(
    expected,
    {
      label: ['string', label],
      uuid: ['string', uuid],
      start: ['size', start],
      size: ['size', size],
      filesystem: ['string', filesystem],
    },
    compare,
  );
  const ofType =
    byName.length === 0 ? [] : byGuid.map((f) => (typeName ? { ...f, actual: `${f.actual} (${typeName})` } : f));
  return [...ofType, ...others];
}

const listOf = (partitions: readonly Found[]) =>
  partitions.map((p) => (p.label ? `${p.number} (${p.label})` : String(p.number))).join(', ') || 'none';
