import { defineSection, type Told, type Zod } from '../section.ts';

// Users and groups: passwd(5), shadow(5), group(5). Of a password its state and the kind of its hash (crypt(5)) are
// told, the hash never.

const MOST = 10_000;

const passwordStates = ['none', 'locked', 'empty', 'set'] as const;

const schema = (z: Zod) =>
  z.strictObject({
    users: z.array(
      z.strictObject({
        name: z.string(),
        uid: z.int(),
        gid: z.int(),
        home: z.string(),
        shell: z.string(),
        password: z
          .enum(passwordStates)
          .meta({ description: 'none: no password opens it; locked: a hash is kept but barred' }),
        hash: z.string().optional().meta({ description: 'the kind of its hash' }),
        changed: z.string().optional().meta({ description: 'the day on which the password was changed' }),
        expires: z.string().optional().meta({ description: 'the day on which the account ends' }),
      }),
    ),
    groups: z.array(z.strictObject({ name: z.string(), gid: z.int(), members: z.array(z.string()) })),
  });

type Accounts = Told<typeof schema>;

export const accountsSection = defineSection<Accounts>({
  name: 'accounts',
  title: 'Users and groups',
  schema,
  async read({ disk }) {
    const passwd = await disk.text('/etc/passwd');
    if (passwd === undefined) return undefined;
    const shadow = new Map(fieldsOf(await disk.text('/etc/shadow')).map((fields) => [fields[0] ?? '', fields]));
    const users = fieldsOf(passwd).flatMap(([name = '', own = '', uid = '', gid = '', , home = '', shell = '']) => {
      if (!/^\d{1,10}$/.test(uid) || !/^\d{1,10}$/.test(gid)) return [];
      const [, hash = own, changed, , , , , expires] = own === 'x' ? (shadow.get(name) ?? [name, '*']) : [name, own];
      return [
        { name, uid: Number(uid), gid: Number(gid), home, shell, ...passwordOf(hash), ...days({ changed, expires }) },
      ];
    });
    const groups = fieldsOf(await disk.text('/etc/group')).flatMap(([name = '', , gid = '', members = '']) =>
      /^\d{1,10}$/.test(gid) ? [{ name, gid: Number(gid), members: members.split(',').filter((m) => m !== '') }] : [],
    );
    return { users, groups };
  },
  rows: ({ users, groups }) => [
    ...users
      // Service accounts that nobody enters are many and alike.
      .filter(
        ({ uid, shell, password }) => uid === 0 || uid >= 1000 || password !== 'none' || !/nologin|false$/.test(shell),
      )
      .map(({ name, uid, home, shell, password, hash }) => [
        name,
        String(uid),
        `password ${password}${hash === undefined ? '' : ` (${hash})`}`,
        home,
        shell,
      ]),
    [`${users.length} users, ${groups.length} groups`],
    ...groups
      .filter(({ members }) => members.length > 0)
      .map(({ name, members }) => [`group ${name}`, '', members.join(', ')]),
  ],
});

function fieldsOf(text = ''): string[][] {
  return text
    .split('\n', MOST)
    .filter((line) => line.includes(':'))
    .map((line) => line.split(':'));
}

const KINDS: Readonly<Record<string, string>> = {
  '1': 'md5',
  '2a': 'bcrypt',
  '2b': 'bcrypt',
  '2y': 'bcrypt',
  '5': 'sha256',
  '6': 'sha512',
  '7': 'scrypt',
  y: 'yescrypt',
  gy: 'gost-yescrypt',
};

/** What stands in the place of a password. */
export function passwordOf(field: string): { password: (typeof passwordStates)[number]; hash?: string } {
  if (field === '') return { password: 'empty' };
  const bare = field.replace(/^[!*]+/, '');
  const id = /^\$([^$]+)\$/.exec(bare)?.[1];
  const hash = id === undefined ? (/^[./0-9A-Za-z]{13}$/.test(bare) ? 'des' : undefined) : (KINDS[id] ?? 'unknown');
  if (hash === undefined) return { password: 'none' };
  return { password: bare === field ? 'set' : 'locked', hash };
}

function days(fields: { changed: string | undefined; expires: string | undefined }) {
  const dated = Object.entries(fields).flatMap(([key, text]) =>
    /^\d{1,6}$/.test(text ?? '')
      ? [[key, new Date(Number(text) * 86_400_000).toISOString().slice(0, 10)] as const]
      : [],
  );
  return Object.fromEntries(dated) as { changed?: string; expires?: string };
}
