import { resolve } from 'node:path';
import { formatSize } from '../../core/index.ts';
import type { Command } from '../command.ts';
import { extractTree } from '../disk/extract.ts';
import { onTree, pathWord, treeOptions } from '../disk/session.ts';

export const extract: Command = {
  usage: 'IMAGE PATH DEST',
  about:
    'Copies a file to DEST, or a folder with all below it; DEST must not exist yet. Permissions, times, holes, hard and symbolic\nlinks are kept; owners, setuid bits, extended attributes, devices, pipes and sockets are not. Nothing is ever written outside of DEST.',
  options: [...treeOptions],
  examples: [
    ['gvm extract disk.qcow2 /etc ./etc', 'a folder'],
    ['gvm extract disk.qcow2 /boot/vmlinuz ./vmlinuz', 'a file'],
  ],
  words: [3, 3],
  run: (context) =>
    onTree(context, async ({ tree, output, progress, trouble, signal }) => {
      const destination = context.words[2] ?? '';
      const found = await tree.vfs.resolve(pathWord(context), { signal });
      const done = await extractTree(tree.vfs, found, resolve(context.cwd, destination), { trouble, signal, progress });
      progress.say(undefined);
      const { files, folders, links, bytes, skipped } = done;
      const text = `${files} files, ${folders} folders, ${links} links, ${formatSize(bytes)}; ${skipped} special files left out`;
      await output.line(context.flag('json') ? JSON.stringify(done, null, 2) : text);
    }),
};
