import { printable } from '../../core/index.ts';
import { walkTree } from '../../disk/index.ts';
import type { Command } from '../command.ts';
import { baseName, colored, entryOf } from '../disk/entry.ts';
import { onTree, pathWord, treeOptions } from '../disk/session.ts';

export const tree: Command = {
  usage: 'IMAGE [PATH]',
  options: [...treeOptions],
  examples: [
    ['gvm tree disk.qcow2 /etc', 'a folder and all below it'],
    ['gvm tree --json disk.qcow2 /etc', 'the same as data, one object a line'],
  ],
  words: [1, 2],
  run: (context) =>
    onTree(context, async ({ tree, output, trouble, signal }) => {
      const start = await tree.vfs.resolve(pathWord(context), { signal });
      const json = context.flag('json');
      const first = await entryOf(start, signal);
      await output.line(json ? JSON.stringify(first) : colored(first.path, first, context.color));
      if (first.type !== 'directory') return;
      const count = { directory: 0, other: 0 };
      // The branches to the left of an entry: a bar for each folder above it that goes on.
      const bars: string[] = [];
      for await (const walked of walkTree(tree.vfs, start, { signal })) {
        bars.length = walked.depth - 1;
        const branch = `${bars.join('')}${walked.last ? '└── ' : '├── '}`;
        bars.push(walked.last ? '    ' : '│   ');
        if ('trouble' in walked) {
          trouble(walked.trouble);
          if (!json) await output.line(`${branch}[${printable(walked.trouble.message)}]`);
          continue;
        }
        const entry = await entryOf(walked, signal);
        count[entry.type === 'directory' ? 'directory' : 'other']++;
        const arrow = entry.target === undefined ? '' : ` -> ${entry.target}`;
        const line = `${branch}${colored(baseName(entry.path), entry, context.color)}${arrow}`;
        await output.line(json ? JSON.stringify(entry) : line);
      }
      if (!json) await output.line(`\n${count.directory} folders, ${count.other} files`);
    }),
};
