import { z } from 'zod';
import { shellQuote } from '../core/index.ts';
import { defineFact, outputOf } from './fact.ts';
import { getentAll, linesOf, partOf } from './shell.ts';

// A group as the name service switch sees it (getent(1)), or from /etc/group (group(5)) where there is no getent.

const MAX = 2 ** 20;

const groupArgs = z.strictObject({
  name: z.string().regex(/^[^\s:/\0-][^\s:/\0]{0,254}$/, 'expected the name of a group'),
});

const groupValue = z.discriminatedUnion('exists', [
  z.strictObject({ exists: z.literal(false) }),
  z.strictObject({
    exists: z.literal(true),
    gid: z.int(),
    members: z.array(z.string()).meta({ description: 'those whose primary group is another' }),
  }),
]);

export type GroupArgs = z.output<typeof groupArgs>;
export type GroupValue = z.output<typeof groupValue>;

export const groupFact = defineFact<GroupArgs, GroupValue>({
  name: 'group',
  description: 'a group: number and members',
  args: groupArgs,
  schema: groupValue,
  limit: () => MAX,
  fragment: (requests) => `part group
if command -v getent >/dev/null; then
${getentAll('group', requests.map((r) => shellQuote(r.name)).join(' '))}
else head -c ${MAX} /etc/group
fi
[ -r /etc/group ]`,

  parse(output, requests) {
    if (output.status !== 0) return requests.map(() => ({ diagnostics: ['the groups of the guest cannot be read'] }));
    const groups = new Map<string, string[]>();
    for (const line of linesOf(partOf(output, 'group'))) {
      const fields = line.split(':');
      if (fields.length === 4 && !groups.has(fields[0] ?? '')) groups.set(fields[0] ?? '', fields);
    }
    return requests.map(({ name }) => {
      const fields = groups.get(name);
      if (!fields) return { value: { exists: false }, diagnostics: [] };
      const [, , gid = '', members = ''] = fields;
      if (!/^\d{1,10}$/.test(gid))
        return { diagnostics: [`the group ${name} is malformed: ${fields.join(':').slice(0, 200)}`] };
      const names = members.split(',').filter((member) => member !== '');
      return { value: { exists: true, gid: Number(gid), members: names }, diagnostics: [] };
    });
  },

  async offline(disk, requests) {
    const group = await disk.read('/etc/group', MAX);
    if (!group) return requests.map(() => ({ diagnostics: ['the disk has no /etc/group'] }));
    return this.parse(outputOf({ group }), requests);
  },
});
