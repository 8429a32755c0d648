import { z } from 'zod';
import { type Answer, defineFact } from './fact.ts';
import { headSections, linesOf, partOf, pathWord } from './shell.ts';

// Kernel parameters (sysctl(8)), read from /proc/sys. A value of several words has single spaces between them.

const MAX = 4096;
/** These are always read: head(1) names its files only where there are several. */
const ALWAYS = ['/proc/sys/kernel/osrelease', '/proc/sys/kernel/ostype'];

const kernelParamArgs = z.strictObject({
  name: z
    .string()
    .max(255)
    .regex(/^[\w-]+([./][\w:@+-]+)+$/, 'expected the name of a kernel parameter such as net.ipv4.ip_forward'),
});

const kernelParamValue = z.discriminatedUnion('exists', [
  z.strictObject({ exists: z.literal(false) }),
  z.strictObject({ exists: z.literal(true), value: z.string() }),
]);

export type KernelParamArgs = z.output<typeof kernelParamArgs>;
export type KernelParamValue = z.output<typeof kernelParamValue>;

/** Where a parameter is: the first separator decides which of dot and slash is the separator (sysctl(8)). */
export function paramPath(name: string): string {
  const dotted = name.search(/\./) >= 0 && (name.search(/\//) < 0 || name.indexOf('.') < name.indexOf('/'));
  const swapped = (c: string) => (c === '.' ? '/' : '.');
  return `/proc/sys/${dotted ? name.replace(/[./]/g, swapped) : name}`;
}

const filesOf = (requests: readonly KernelParamArgs[]) => [
  ...new Set([...ALWAYS, ...requests.map((r) => paramPath(r.name))]),
];

export const kernelParamFact = defineFact<KernelParamArgs, KernelParamValue>({
  name: 'kernel-param',
  description: 'a kernel parameter (sysctl)',
  args: kernelParamArgs,
  schema: kernelParamValue,
  limit: (requests) => (requests.length + ALWAYS.length) * (MAX + 600),
  // One head(1) for all; what cannot be read is missing in its answer, so existence is asked apart.
  fragment(requests) {
    const words = requests.map((r) => pathWord(paramPath(r.name)));
    return `part known
for p in ${words.join(' ')}; do if [ -e "$p" ]; then echo yes; else echo no; fi; done
part values
head -c ${MAX} ${filesOf(requests).map(pathWord).join(' ')} 2>/dev/null
[ -r ${ALWAYS[0]} ]`;
  },

  parse(output, requests) {
    const known = linesOf(partOf(output, 'known'));
    const paths = filesOf(requests);
    const sections = headSections(partOf(output, 'values') ?? Buffer.alloc(0), paths);
    if (output.status !== 0 || !sections || known.length !== requests.length)
      return requests.map(() => ({ diagnostics: ['/proc/sys of the guest cannot be read'] }));
    return requests.map(({ name }, i): Answer<KernelParamValue> => {
      if (known[i] !== 'yes') return { value: { exists: false }, diagnostics: [] };
      const text = sections.get(paramPath(name)) ?? '';
      if (text === '') return { diagnostics: [`the kernel parameter ${name} may not be read`] };
      return { value: { exists: true, value: text.trim().replace(/\s+/g, ' ') }, diagnostics: [] };
    });
  },
});
