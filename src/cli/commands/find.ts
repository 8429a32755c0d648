import { walkTree } from '../../disk/index.ts';
import { GvmError } from '../../errors/index.ts';
import type { Command } from '../command.ts';
import { baseName, colored, entryOf } from '../disk/entry.ts';
import { globPattern } from '../disk/glob.ts';
import { onTree, pathWord, treeOptions } from '../disk/session.ts';

const TYPES: Record<string, string> = {
  f: 'file',
  d: 'directory',
  l: 'symlink',
  b: 'block',
  c: 'character',
  p: 'fifo',
  s: 'socket',
};

export const find: Command = {
  usage: 'IMAGE [PATH]',
  about:
    'Everything below PATH, one line each. Trouble with one file is said, and the search goes on; the exit code is then 2.',
  options: [...treeOptions, 'match', 'type'],
  examples: [
    ["gvm find disk.qcow2 /etc --match '*.conf'", 'by name'],
    ['gvm find disk.qcow2 / --type l --json', 'symbolic links with all that is known of them'],
  ],
  words: [1, 2],
  run: (context) =>
    onTree(context, async ({ tree, output, trouble, signal }) => {
      const match = globPattern(context.text('match') ?? '*');
      const type = typeOf(context.text('type'));
      const start = await tree.vfs.resolve(pathWord(context), { signal });
      for await (const walked of walkTree(tree.vfs, start, { signal })) {
        if ('trouble' in walked) {
          trouble(walked.trouble);
          continue;
        }
        if (type !== undefined && walked.node.stat.type !== type) continue;
        const entry = await entryOf(walked, signal);
        if (!match(baseName(entry.path))) continue;
        await output.line(context.flag('json') ? JSON.stringify(entry) : colored(entry.path, entry, context.color));
      }
    }),
};

function typeOf(letter: string | undefined): string | undefined {
  if (letter === undefined) return undefined;
  if (Object.hasOwn(TYPES, letter)) return TYPES[letter];
  throw new GvmError({
    code: 'usage',
    message: `gvm find: --type takes ${Object.keys(TYPES).join(', ')}, found "${letter}"`,
  });
}
