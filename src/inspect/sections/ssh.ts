import type { PoweredOff } from '../../facts/powered-off.ts';
import { settingLines } from '../parse/lines.ts';
import { parseKeyLine } from '../parse/ssh-key.ts';
import { defineSection, type Told, type Zod } from '../section.ts';

// ssh: host keys and who may enter by which key, by fingerprints; what sshd_config(5) says with its drop-in files, of
// which the first value of a keyword counts, and the blocks that hold of some only.

const schema = (z: Zod) => {
  const key = { type: z.string(), fingerprint: z.string() };
  return z.strictObject({
    hostKeys: z.array(
      z.strictObject({
        path: z.string(),
        ...key,
        private: z.boolean().meta({ description: 'the private half is in the image' }),
      }),
    ),
    authorizedKeys: z.array(
      z.strictObject({
        user: z.string(),
        path: z.string(),
        ...key,
        comment: z.string(),
        options: z.string().optional(),
      }),
    ),
    settings: z.record(z.string(), z.string()).meta({ description: 'by keyword in lower case' }),
    matches: z
      .array(z.strictObject({ criteria: z.string(), settings: z.record(z.string(), z.string()) }))
      .optional()
      .meta({ description: 'Match blocks, in their order' }),
  });
};

type Ssh = Told<typeof schema>;

const MOST_USERS = 2000;
const MOST_BLOCKS = 100;

export const sshSection = defineSection<Ssh>({
  name: 'ssh',
  title: 'SSH',
  schema,
  async read({ disk }) {
    const [hostKeys, authorizedKeys, settings] = [
      await readHostKeys(disk),
      await readAuthorized(disk),
      await readSettings(disk),
    ];
    const { everywhere, blocks } = settings;
    if (hostKeys.length + authorizedKeys.length + everywhere.size + blocks.length === 0) return undefined;
    const matches = blocks.map(({ criteria, own }) => ({ criteria, settings: Object.fromEntries(own) }));
    const some = matches.length > 0 ? { matches } : {};
    return { hostKeys, authorizedKeys, settings: Object.fromEntries(everywhere), ...some };
  },
  rows: ({ hostKeys, authorizedKeys, settings, matches = [] }) => [
    ...hostKeys.map(({ path, type, fingerprint, private: secret }) => [
      'host key',
      type,
      fingerprint,
      secret ? `! private half in the image: ${path}` : path,
    ]),
    ...authorizedKeys.map(({ user, type, fingerprint, comment }) => [`${user} by`, type, fingerprint, comment]),
    ...Object.entries(settings).map(([name, value]) => ['sshd', name, value]),
    ...matches.flatMap(({ criteria, settings: own }) =>
      Object.entries(own).map(([name, value]) => [`match ${criteria}`, name, value]),
    ),
  ],
});

async function readHostKeys(disk: PoweredOff): Promise<Ssh['hostKeys']> {
  const keys: Ssh['hostKeys'] = [];
  const names = await disk.names('/etc/ssh');
  for (const name of names) {
    if (!/^ssh_host_\w+_key\.pub$/.test(name)) continue;
    const path = `/etc/ssh/${name}`;
    const [parsed] = settingLines(await disk.text(path, 2 ** 16)).flatMap((line) => parseKeyLine(line) ?? []);
    if (!parsed) continue;
    keys.push({ path, type: parsed.type, fingerprint: parsed.fingerprint, private: names.includes(name.slice(0, -4)) });
  }
  return keys;
}

async function readAuthorized(disk: PoweredOff): Promise<Ssh['authorizedKeys']> {
  const keys: Ssh['authorizedKeys'] = [];
  const passwd = ((await disk.text('/etc/passwd')) ?? '').split('\n', MOST_USERS);
  for (const line of passwd) {
    const [user = '', , , , , home = ''] = line.split(':');
    if (!home.startsWith('/') || home === '/') continue;
    for (const name of ['authorized_keys', 'authorized_keys2']) {
      const path = `${home}/.ssh/${name}`;
      for (const text of settingLines(await disk.text(path, 2 ** 20))) {
        const parsed = parseKeyLine(text);
        if (parsed) keys.push({ user, path, ...parsed });
      }
    }
  }
  return keys;
}

interface Settings {
  everywhere: Map<string, string>;
  blocks: { criteria: string; own: Map<string, string> }[];
}

/** The first value of each keyword, drop-in files read where they are included. A block ends with its file. */
async function readSettings(disk: PoweredOff): Promise<Settings> {
  const found: Settings = { everywhere: new Map(), blocks: [] };
  let read = 0;
  const take = async (path: string, depth: number, outer: Map<string, string>): Promise<void> => {
    if (depth > 4 || ++read > 100) return;
    let settings = outer;
    for (const line of settingLines(await disk.text(path, 2 ** 20))) {
      const [, word = '', value = ''] = /^(\w+)(?:\s*=\s*|\s+)(.*)$/.exec(line) ?? [];
      const keyword = word.toLowerCase();
      if (keyword === 'match') {
        settings = new Map();
        if (found.blocks.length < MOST_BLOCKS) found.blocks.push({ criteria: value, own: settings });
      } else if (keyword === 'include') {
        for (const pattern of value.split(/\s+/))
          for (const file of await expand(disk, pattern)) await take(file, depth + 1, settings);
      } else if (keyword !== '' && !settings.has(keyword)) settings.set(keyword, value);
    }
  };
  await take('/etc/ssh/sshd_config', 0, found.everywhere);
  return found;
}

/** A pattern whose last part may hold `*`; one without a folder is taken from /etc/ssh. */
async function expand(disk: PoweredOff, pattern: string): Promise<string[]> {
  const path = pattern.startsWith('/') ? pattern : `/etc/ssh/${pattern}`;
  const at = path.lastIndexOf('/');
  const [folder, last] = [path.slice(0, at), path.slice(at + 1)];
  if (!last.includes('*')) return [path];
  const [head = '', tail = ''] = last.split('*');
  const names = await disk.names(folder);
  return names.filter((name) => name.startsWith(head) && name.endsWith(tail)).map((name) => `${folder}/${name}`);
}
