import { z } from 'zod';
import { machineSchema } from './machine.ts';
import { matrixSchema } from './matrix.ts';

/** An entry of a health allow-list: console lines or facts that are known and accepted until a date. */
export const allowanceSchema = z.strictObject({
  match: z.string().min(1).meta({ description: 'a regular expression over the finding' }),
  reason: z.string().min(1),
  until: z.iso.date().optional().meta({ description: 'after this day the entry no longer counts' }),
});

/** `gvm.yaml` (design §4): what a project says once for all its suites. */
export const projectSchema = z
  .strictObject({
    version: z.literal(1).optional(),
    images: z.array(z.string().min(1)).optional().meta({ description: 'folders with image recipes' }),
    suites: z.string().min(1).optional().meta({ description: 'the folder that `gvm test` runs without a path' }),
    image: z.string().min(1).optional().meta({ description: 'what `image: default` means' }),
    machine: machineSchema.optional(),
    matrix: matrixSchema.optional().meta({ description: 'machine variants in which every suite runs' }),
    plugins: z
      .array(z.string().min(1))
      .optional()
      .meta({ description: 'modules whose default export is a plugin, relative to this file' }),
    health: z.strictObject({ allow: z.array(allowanceSchema) }).optional(),
  })
  .meta({ title: 'gvm.yaml' });

export type Project = z.output<typeof projectSchema>;
export type Allowance = z.output<typeof allowanceSchema>;
