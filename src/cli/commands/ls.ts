import { type ImageTree, type Located, walkTree } from '../../disk/index.ts';
import type { Command, Context } from '../command.ts';
import { baseName, colored, type Entry, entryOf, longLine } from '../disk/entry.ts';
import { onTree, pathWord, type Session, treeOptions } from '../disk/session.ts';

type Tree = Session & { tree: ImageTree };

async function listOne(context: Context, { tree, output, trouble, signal }: Tree, start: Located): Promise<void> {
  const found: Entry[] = [];
  const show = async (located: Located) => {
    const entry = await entryOf(located, signal);
    if (context.flag('json')) found.push(entry);
    else await output.line(lineOf(context, entry, baseName(entry.path)));
  };
  if (start.node.stat.type !== 'directory') await show(start);
  else {
    for await (const walked of walkTree(tree.vfs, start, { depth: 0, signal })) {
      if ('trouble' in walked) trouble(walked.trouble);
      else await show(walked);
    }
  }
  if (context.flag('json')) await output.line(JSON.stringify(found, null, 2));
}

async function listAll(context: Context, { tree, output, trouble, signal }: Tree, start: Located): Promise<void> {
  for await (const walked of walkTree(tree.vfs, start, { signal })) {
    if ('trouble' in walked) {
      trouble(walked.trouble);
      continue;
    }
    const entry = await entryOf(walked, signal);
    await output.line(context.flag('json') ? JSON.stringify(entry) : lineOf(context, entry, entry.path));
  }
}

function lineOf(context: Context, entry: Entry, name: string): string {
  return context.flag('long') ? longLine(entry, name, context.color) : colored(name, entry, context.color);
}

export const ls: Command = {
  usage: 'IMAGE [PATH]',
  about: 'The root of the image is found and what its fstab mounts is joined; --volume takes one file system alone.',
  options: [...treeOptions, 'long', 'recursive'],
  examples: [
    ['gvm ls disk.qcow2 /etc', 'the names in a folder'],
    ['gvm ls -lR disk.qcow2 /boot', 'with modes, owners, sizes and times, and all below'],
    ['gvm ls -R --json disk.qcow2', 'one object a line'],
    ['gvm ls --volume p1 disk.qcow2', 'the EFI system partition'],
  ],
  words: [1, 2],
  run: (context) =>
    onTree(context, async (session) => {
      const start = await session.tree.vfs.resolve(pathWord(context), { signal: session.signal });
      if (context.flag('recursive') && start.node.stat.type === 'directory') await listAll(context, session, start);
      else await listOne(context, session, start);
    }),
};
