import { z } from 'zod';
import { duration, size } from '../../schema/index.ts';
import type { ValueKind } from './matcher.ts';

const bytes = z
  .union([z.int().min(0), size], { error: 'expected a size such as 512M or 1G, or a number of bytes' })
  .meta({ description: 'a size such as 512M or 1G, or a number of bytes' });

/** What may be written as a value of a kind; sizes become bytes, durations milliseconds. */
export const literals: Readonly<Record<ValueKind, z.ZodType>> = {
  string: z.string(),
  number: z.number(),
  size: bytes,
  duration,
  scalar: z.union([z.string(), z.number()]),
  list: z.array(z.string()),
  text: z.string(),
};
