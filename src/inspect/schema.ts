import { z } from 'zod';
import { sections } from './registry.ts';

const volumeSchema = z.strictObject({
  name: z.string(),
  size: z.number().meta({ description: 'bytes' }),
  content: z.string().optional().meta({ description: 'its file system, or what else it holds' }),
  mounted: z.string().optional(),
});

/** What `gvm inspect` says of one image. */
export const inspectionSchema = z
  .strictObject({
    version: z.literal(1),
    image: z.string(),
    files: z
      .array(z.strictObject({ path: z.string(), format: z.string() }))
      .meta({ description: 'its chain, top first' }),
    size: z.number().meta({ description: 'bytes of the disk' }),
    table: z.string().optional().meta({ description: 'the kind of its partition table' }),
    volumes: z.array(volumeSchema),
    sections: z.strictObject(Object.fromEntries(sections.map(({ name, schema }) => [name, schema(z).optional()]))),
    diagnostics: z.array(z.strictObject({ section: z.string(), message: z.string() })),
  })
  .meta({ title: 'gvm inspection', description: 'what is known of an image, from its powered-off disk' });

export type Inspection = Omit<z.output<typeof inspectionSchema>, 'sections'> & { sections: Record<string, unknown> };
