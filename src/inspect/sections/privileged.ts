import { readNames } from '../../facts/powered-off.ts';
import { defineSection, type Told, type Zod } from '../section.ts';

// Files that give rights to whoever starts or writes them: setuid and setgid, capabilities, writable for everybody.

const schema = (z: Zod) =>
  z.strictObject({
    setuid: z.array(z.strictObject({ path: z.string(), mode: z.string(), owner: z.string(), group: z.string() })),
    capabilities: z.array(z.strictObject({ path: z.string(), capabilities: z.string() })),
    worldWritable: z.array(z.string()),
  });

type Privileged = Told<typeof schema>;

export const privilegedSection = defineSection<Privileged>({
  name: 'privileged',
  title: 'Privileged files',
  schema,
  async read({ disk, census }) {
    const { setuid, capabilities, worldWritable } = await census();
    const names = await readNames(disk);
    return {
      setuid: setuid.map(({ path, mode, uid, gid }) => ({
        path,
        mode,
        owner: names.users.get(uid) ?? String(uid),
        group: names.groups.get(gid) ?? String(gid),
      })),
      capabilities,
      worldWritable,
    };
  },
  rows: ({ setuid, capabilities, worldWritable }) => [
    ...setuid.map(({ path, mode, owner, group }) => [mode, `${owner}:${group}`, path]),
    ...capabilities.map(({ path, capabilities: held }) => ['capability', held, path]),
    ...worldWritable.map((path) => ['! writable for all', '', path]),
  ],
});
