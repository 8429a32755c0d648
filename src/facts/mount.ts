import { z } from 'zod';
import { unescapeOctal } from '../core/index.ts';
import { defineFact } from './fact.ts';
import { linesOf } from './shell.ts';

// The mounts that the login shell sees, from /proc/self/mountinfo (proc_pid_mountinfo(5)). Not read: propagation.

const MAX = 2 ** 20;

const mountValue = z.array(
  z.strictObject({
    path: z.string(),
    source: z.string(),
    fstype: z.string(),
    options: z.array(z.string()).meta({ description: 'those of the mount and of its file system' }),
  }),
);

export type MountValue = z.output<typeof mountValue>;

export const mountFact = defineFact<Record<string, never>, MountValue>({
  name: 'mount',
  description: 'all mounts in the order in which they were made',
  args: z.strictObject({}) as z.ZodType<Record<string, never>>,
  schema: mountValue,
  limit: () => MAX,
  fragment: () => `part mounts\nhead -c ${MAX} /proc/self/mountinfo`,

  parse(output) {
    const data = output.parts.find((p) => p.label === 'mounts')?.data;
    if (!data || data.length === 0) return [{ diagnostics: ['/proc/self/mountinfo of the guest cannot be read'] }];
    if (data.length >= MAX) return [{ diagnostics: [`the guest has more mounts than fit into ${MAX} bytes`] }];
    const diagnostics: string[] = [];
    const value: MountValue = [];
    for (const line of linesOf(data)) {
      const mount = parseMountinfo(line);
      if (mount) value.push(mount);
      else if (diagnostics.length < 5) diagnostics.push(`a line of mountinfo is malformed: ${line.slice(0, 200)}`);
    }
    return [{ value, diagnostics }];
  },
});

/** One line: id parent major:minor root path options [optional fields…] - fstype source superblock-options. */
export function parseMountinfo(line: string): MountValue[number] | undefined {
  const fields = line.split(' ');
  const dash = fields.indexOf('-', 6);
  const [path, options] = [fields[4], fields[5]];
  const [fstype, source, superOptions] = dash < 0 ? [] : fields.slice(dash + 1);
  if (!path || !options || !fstype || source === undefined || superOptions === undefined) return undefined;
  const own = options.split(',');
  const all = new Set([...own, ...superOptions.split(',')].map(unescapeOctal));
  // Either of the two makes a mount read-only (show_vfsmnt of the kernel).
  if (all.has('ro')) all.delete('rw');
  return {
    path: unescapeOctal(path),
    source: unescapeOctal(source),
    fstype,
    options: [...all].filter((o) => o !== ''),
  };
}
