import { z } from 'zod';
import { parameterOf, splitCommandLine } from './command-line.ts';
import { defineFact } from './fact.ts';
import { partOf } from './shell.ts';

// The command line of the running kernel, from /proc/cmdline, taken apart as the kernel does it (lib/cmdline.c):
// quotes keep spaces, "-" and "_" are the same in a name, what follows "--" is for init.

const MAX = 64 * 1024;

const parameter = z.strictObject({
  name: z.string().meta({ description: 'with "_" for "-"' }),
  value: z.string().nullable().meta({ description: 'null for a parameter without "="' }),
});

const cmdlineValue = z.strictObject({ line: z.string(), words: z.array(z.string()), parameters: z.array(parameter) });

export type CmdlineValue = z.output<typeof cmdlineValue>;

export const cmdlineFact = defineFact<Record<string, never>, CmdlineValue>({
  name: 'cmdline',
  description: 'the command line of the running kernel',
  args: z.strictObject({}) as z.ZodType<Record<string, never>>,
  schema: cmdlineValue,
  limit: () => MAX,
  fragment: () => `part cmdline\nhead -c ${MAX} /proc/cmdline`,

  parse(output) {
    if (output.status !== 0) return [{ diagnostics: ['/proc/cmdline of the guest cannot be read'] }];
    const line = (partOf(output, 'cmdline')?.toString('utf8') ?? '').replace(/\n$/, '');
    const words = splitCommandLine(line);
    const end = words.indexOf('--');
    const parameters = words.slice(0, end < 0 ? words.length : end).map(parameterOf);
    return [{ value: { line, words, parameters }, diagnostics: [] }];
  },
});
