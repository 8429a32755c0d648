import { z } from 'zod';
import { defineFact } from './fact.ts';
import { guestPath } from './guest-path.ts';
import { setuidOffline } from './offline/setuid.ts';
import { partOf, pathWord } from './shell.ts';

// Regular files with the setuid or setgid bit below some folders, by find(1), which never leaves the file system that a
// folder is on.

const MAX = 2 ** 20;

const setuidArgs = z.strictObject({ paths: z.array(guestPath).min(1).max(64) });
const setuidValue = z.array(z.string()).meta({ description: 'paths' });

export type SetuidArgs = z.output<typeof setuidArgs>;
export type SetuidValue = z.output<typeof setuidValue>;

export const setuidFact = defineFact<SetuidArgs, SetuidValue>({
  name: 'setuid',
  description: 'files that run with the rights of their owner or group',
  args: setuidArgs,
  schema: setuidValue,
  limit: (requests) => requests.length * 2 * (MAX + 100),
  // A file may vanish while find looks at it: once more, then.
  fragment(requests) {
    const search = requests.map(({ paths }, i) => {
      const find = `find ${paths.map(pathWord).join(' ')} -xdev -type f '(' -perm -4000 -o -perm -2000 ')' -print0`;
      return `part files.${i}\n${find} && part found.${i} || { part files.${i}; ${find} && part found.${i}; }`;
    });
    return `${search.join('\n')}\n:`;
  },

  parse: (output, requests) =>
    requests.map(({ paths }, i) => {
      const data = output.parts.findLast((part) => part.label === `files.${i}`)?.data;
      if (!data || !partOf(output, `found.${i}`) || data.length > MAX)
        return { diagnostics: [`not everything below ${paths.join(', ')} could be looked at`] };
      const files = data.toString('utf8').split('\0').slice(0, -1);
      return { value: [...new Set(files)].sort(), diagnostics: [] };
    }),

  offline: setuidOffline,
});
