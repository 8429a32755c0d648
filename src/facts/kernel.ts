import { z } from 'zod';
import { defineFact } from './fact.ts';
import { linesOf, partOf } from './shell.ts';

// The running kernel, from /proc/sys/kernel; the architecture from there (Linux 6.1) or from uname(1).
// Taint bits: Documentation/admin-guide/tainted-kernels.rst.

/** By bit: the letter that the kernel prints, and what happened. */
const TAINTS: readonly (readonly [string, string])[] = [
  ['P', 'a proprietary module was loaded'],
  ['F', 'a module was loaded by force'],
  ['S', 'the kernel runs on a processor or system outside its specification'],
  ['R', 'a module was unloaded by force'],
  ['M', 'the processor reported a machine check'],
  ['B', 'a bad page was referenced'],
  ['U', 'user space asked for the taint'],
  ['D', 'the kernel died recently: an oops or a BUG'],
  ['A', 'an ACPI table was overridden'],
  ['W', 'the kernel issued a warning'],
  ['C', 'a staging driver was loaded'],
  ['I', 'a workaround for a firmware bug is active'],
  ['O', 'a module from outside the kernel tree was loaded'],
  ['E', 'an unsigned module was loaded'],
  ['L', 'a soft lockup occurred'],
  ['K', 'the kernel was live patched'],
  ['X', 'the distribution set its own taint'],
  ['T', 'the kernel was built with struct randomisation'],
  ['N', 'an in-kernel test ran'],
];

const kernelValue = z.strictObject({
  release: z.string(),
  version: z.string(),
  arch: z.string(),
  taint: z.int(),
  taints: z.array(z.string()).meta({ description: 'each set bit: its letter and meaning' }),
});

export type KernelValue = z.output<typeof kernelValue>;

export const kernelFact = defineFact<Record<string, never>, KernelValue>({
  name: 'kernel',
  description: 'the running kernel: release, version, architecture, taint',
  args: z.strictObject({}) as z.ZodType<Record<string, never>>,
  schema: kernelValue,
  limit: () => 8192,
  // Not by the builtin read: it asks for single bytes, and /proc/sys/kernel/tainted answers the first one only.
  fragment: () => `cd /proc/sys/kernel || exit
part kernel
if [ -r arch ]; then cat osrelease version tainted arch; else cat osrelease version tainted && uname -m; fi`,

  parse(output) {
    const [release = '', version = '', tainted = '', arch = ''] = linesOf(partOf(output, 'kernel'));
    if (release === '' || !/^\d{1,15}$/.test(tainted))
      return [{ diagnostics: ['/proc/sys/kernel of the guest cannot be read'] }];
    const taint = Number(tainted);
    return [
      {
        value: { release, version, arch, taint, taints: taints(taint) },
        diagnostics: [],
      },
    ];
  },
});

function taints(value: number): string[] {
  const set: string[] = [];
  for (let bit = 0; bit < 50; bit++) {
    if (Math.floor(value / 2 ** bit) % 2 === 0) continue;
    const [letter, meaning] = TAINTS[bit] ?? [`bit ${bit}`, 'unknown to gvm'];
    set.push(`${letter}: ${meaning}`);
  }
  return set;
}
