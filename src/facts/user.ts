import { z } from 'zod';
import { shellQuote } from '../core/index.ts';
import { defineFact, outputOf } from './fact.ts';
import { getentAll, linesOf } from './shell.ts';

// An account as the name service switch sees it (getent(1), id(1)), or from /etc/passwd and /etc/group (passwd(5),
// group(5)) where the guest has no getent. Passwords are not read.

const MAX = 2 ** 20;

const userArgs = z.strictObject({
  name: z.string().regex(/^[^\s:/\0-][^\s:/\0]{0,254}$/, 'expected the name of a user'),
  groups: z.boolean().optional(),
});

const userValue = z.discriminatedUnion('exists', [
  z.strictObject({ exists: z.literal(false) }),
  z.strictObject({
    exists: z.literal(true),
    uid: z.int(),
    gid: z.int(),
    home: z.string(),
    shell: z.string(),
    groups: z.array(z.string()).optional().meta({ description: 'the primary group and the others' }),
  }),
]);

export type UserArgs = z.output<typeof userArgs>;
export type UserValue = z.output<typeof userValue>;

export const userFact = defineFact<UserArgs, UserValue>({
  name: 'user',
  description: 'an account: numbers, groups, home, shell',
  args: userArgs,
  schema: userValue,
  limit: (requests) => 2 * MAX + requests.length * 16_384,

  fragment(requests) {
    const names = requests.map((r) => shellQuote(r.name)).join(' ');
    const withGroups = requests.flatMap((r, i) =>
      r.groups ? [`part groups.${i}; id -Gn -- ${shellQuote(r.name)}`] : [],
    );
    return `if command -v getent >/dev/null; then
part passwd
${getentAll('passwd', names)}
part asked
${withGroups.join('\n')}
else
part passwd
head -c ${MAX} /etc/passwd
part group
head -c ${MAX} /etc/group
fi
[ -r /etc/passwd ]`;
  },

  parse(output, requests) {
    const part = (label: string) => output.parts.find((p) => p.label === label)?.data;
    const accounts = new Map<string, string[]>();
    for (const line of linesOf(part('passwd'))) {
      const fields = line.split(':');
      if (fields.length === 7 && !accounts.has(fields[0] ?? '')) accounts.set(fields[0] ?? '', fields);
    }
    if (output.status !== 0) return requests.map(() => ({ diagnostics: ['the accounts of the guest cannot be read'] }));
    return requests.map((request, i) => {
      const fields = accounts.get(request.name);
      if (!fields) return { value: { exists: false }, diagnostics: [] };
      const [, , uid = '', gid = '', , home = '', shell = ''] = fields;
      if (!/^\d+$/.test(uid) || !/^\d+$/.test(gid))
        return { diagnostics: [`the account ${request.name} is malformed: ${fields.join(':').slice(0, 200)}`] };
      const value: UserValue = { exists: true, uid: Number(uid), gid: Number(gid), home, shell };
      if (request.groups) {
        const asked = part(`groups.${i}`)?.toString('utf8').trim();
        const groups = asked ? asked.split(' ') : groupsOf(request.name, Number(gid), linesOf(part('group')));
        if (groups.length > 0) value.groups = [...new Set(groups)].sort();
      }
      return { value, diagnostics: [] };
    });
  },

  async offline(disk, requests) {
    const passwd = await disk.read('/etc/passwd', MAX);
    if (!passwd) return requests.map(() => ({ diagnostics: ['the disk has no /etc/passwd'] }));
    const group = (await disk.read('/etc/group', MAX)) ?? '';
    return this.parse(outputOf({ passwd, group }), requests);
  },
});

/** The groups of a user in group(5) lines: `name:password:gid:member,member`. */
function groupsOf(user: string, gid: number, lines: readonly string[]): string[] {
  return lines.flatMap((line) => {
    const [name, , number, members] = line.split(':');
    const belongs = Number(number) === gid || (members ?? '').split(',').includes(user);
    return name && belongs ? [name] : [];
  });
}
