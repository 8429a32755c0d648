import { z } from 'zod';

/** How a plan is divided among the jobs of a CI matrix. */
export const shardsSchema = z
  .object({
    version: z.literal(1),
    plan: z.string().meta({ description: 'the digest of the plan, which each shard records' }),
    shards: z.array(
      z.object({
        shard: z.string().meta({ description: 'what --shard takes, for example 2/3' }),
        tests: z.int(),
        ms: z.number().optional().meta({ description: 'what its tests took, where that is known' }),
      }),
    ),
    times: z.record(z.string(), z.number().min(0)).meta({ description: 'milliseconds of each test, by its id' }),
  })
  .meta({ title: 'gvm shards', description: 'how a plan is divided; gvm test --shard I/N --timings FILE reads it' });

export type Shards = z.output<typeof shardsSchema>;
