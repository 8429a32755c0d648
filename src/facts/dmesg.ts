import { z } from 'zod';
import { defineFact } from './fact.ts';
import { KERNEL_LOG, parseKernelLog } from './kernel-log.ts';
import { partOf } from './shell.ts';

// The kernel's ring buffer, as far back as it goes: a long-running guest has lost its first lines.

const MAX = 4 * 2 ** 20;

const dmesgValue = z.array(
  z.strictObject({
    level: z.int().min(0).max(7),
    kernel: z.boolean().meta({ description: 'false: a program wrote it to /dev/kmsg' }),
    at: z.number().optional().meta({ description: 'seconds since the start of the kernel' }),
    text: z.string(),
  }),
);

export type DmesgValue = z.output<typeof dmesgValue>;

export const dmesgFact = defineFact<Record<string, never>, DmesgValue>({
  name: 'dmesg',
  description: 'the log of the kernel, line by line with levels',
  args: z.strictObject({}) as z.ZodType<Record<string, never>>,
  schema: dmesgValue,
  limit: () => MAX,
  fragment: () => `part log\n{ ${KERNEL_LOG}; } | head -c ${MAX}`,

  parse(output) {
    const data = partOf(output, 'log') ?? Buffer.alloc(0);
    if (data.length >= MAX) return [{ diagnostics: [`the log of the kernel is larger than ${MAX} bytes`] }];
    const lines = parseKernelLog(data.toString('utf8'));
    // A kernel that has said nothing does not exist.
    if (lines.length === 0) return [{ diagnostics: ['the log of the kernel cannot be read'] }];
    return [{ value: lines, diagnostics: [] }];
  },
});
