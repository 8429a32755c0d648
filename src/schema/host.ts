import { z } from 'zod';

const acceleratorVerdictSchema = z
  .strictObject({
    fit: z.boolean().meta({ description: 'whether guests can run with it here' }),
    reason: z.string(),
    scale: z.number().min(1).meta({ description: 'what all deadlines are multiplied by; 1 on hardware' }),
    loop: z.number().nullable().meta({ description: 'milliseconds of 100,000 rounds in a guest' }),
  })
  .meta({ description: 'what running a guest showed of an accelerator' });

/** Both accelerators, proved (design §7). */
export const acceleratorProofSchema = z.strictObject({
  kvm: acceleratorVerdictSchema,
  tcg: acceleratorVerdictSchema,
});

const findingSchema = z.strictObject({
  level: z.enum(['ok', 'warn', 'missing']),
  what: z.string().meta({ description: 'the thing that was looked at' }),
  detail: z.string(),
  mend: z.string().optional().meta({ description: 'the command or setting that mends it' }),
});

const toolSchema = z.strictObject({
  tool: z.string(),
  why: z.string(),
  need: z.enum(['run', 'build']),
  path: z.string().nullable(),
  version: z.string().nullable(),
});

const builderStateSchema = z
  .strictObject({
    mode: z.enum(['root', 'unshare', 'fakechroot', 'guest']),
    works: z.boolean(),
    reason: z.string().meta({ description: 'why it works or not' }),
    mend: z.string().optional(),
  })
  .meta({ description: 'one way of making a root file system' });

/** What `gvm doctor --json` prints. */
export const hostReportSchema = z
  .strictObject({
    version: z.literal(1),
    system: z.strictObject({
      name: z.string(),
      family: z.enum(['debian', 'gentoo', 'fedora', 'arch']).nullable(),
      kernel: z.string(),
      arch: z.string(),
      root: z.boolean(),
    }),
    cpu: z.strictObject({
      model: z.string(),
      count: z.int(),
      virtualization: z.enum(['vmx', 'svm']).nullable(),
      guest: z.boolean().meta({ description: 'whether this host is itself a virtual machine' }),
    }),
    memory: z.strictObject({ total: z.int(), available: z.int() }),
    space: z.array(z.strictObject({ folder: z.string(), available: z.int() })),
    tools: z.array(toolSchema),
    firmware: z.strictObject({ code: z.string(), vars: z.string(), source: z.string() }).nullable(),
    builders: z.array(builderStateSchema).meta({ description: 'the best first; the first that works is taken' }),
    accelerator: z.strictObject({
      chosen: z.enum(['kvm', 'tcg']).nullable(),
      reason: z.string(),
      ...acceleratorProofSchema.shape,
    }),
    findings: z.array(findingSchema),
  })
  .meta({ title: 'Host report', description: 'what the host has, what is proved, and what mends what is missing' });

export type AcceleratorVerdict = z.output<typeof acceleratorVerdictSchema>;
export type AcceleratorProof = z.output<typeof acceleratorProofSchema>;
export type BuilderState = z.output<typeof builderStateSchema>;
export type HostReport = z.output<typeof hostReportSchema>;
export type Finding = z.output<typeof findingSchema>;
export type ToolState = z.output<typeof toolSchema>;
