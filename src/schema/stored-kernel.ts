import { z } from 'zod';
import { machineSchema } from './machine.ts';

/** `manifest.json` of a prepared kernel: written last, so a folder that has one is whole. */
export const storedKernelSchema = z
  .strictObject({
    kind: z.enum(['file', 'package', 'build-tree', 'root-tree', 'image']).meta({ description: 'what was given' }),
    arch: machineSchema.shape.arch.unwrap(),
    release: z.string().min(1).optional().meta({ description: 'what `uname -r` will say, where the file tells it' }),
    digest: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .meta({ description: 'SHA-256 of the kernel image as it was given' }),
    modules: z.boolean().meta({ description: 'whether its modules came along' }),
    config: z.boolean().meta({ description: 'whether its configuration came along' }),
  })
  .meta({ title: 'Stored kernel', description: 'manifest.json beside a prepared kernel' });

export type StoredKernelManifest = z.output<typeof storedKernelSchema>;
