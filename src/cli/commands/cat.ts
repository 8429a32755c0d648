import { printable } from '../../core/index.ts';
import { contentOf } from '../../disk/index.ts';
import { GvmError } from '../../errors/index.ts';
import type { Command } from '../command.ts';
import { entryOf } from '../disk/entry.ts';
import { onTree, pathWord, treeOptions } from '../disk/session.ts';

/** Bytes that fit one JSON document. */
const LARGEST_JSON = 16 * 2 ** 20;

export const cat: Command = {
  usage: 'IMAGE PATH',
  about:
    'The bytes as they are; on a terminal control characters are made visible. With --json one document: `text` where the\nbytes are UTF-8, else `base64`.',
  options: [...treeOptions],
  examples: [
    ['gvm cat disk.qcow2 /etc/os-release', 'a text'],
    ['gvm cat --volume p1 disk.qcow2 /EFI/BOOT/BOOTX64.EFI > boot.efi', 'any bytes'],
  ],
  words: [2, 2],
  run: (context) =>
    onTree(context, async ({ tree, output, signal }) => {
      const found = await tree.vfs.resolve(pathWord(context), { signal });
      const entry = await entryOf(found, signal);
      if (entry.type !== 'file') {
        throw new GvmError({ code: 'usage', message: `${entry.path} is no file, but a ${entry.type}` });
      }
      if (context.flag('json')) {
        const bytes = await tree.vfs.readFile(found.path, { limit: LARGEST_JSON, signal });
        await output.line(JSON.stringify({ ...entry, ...asText(bytes) }, null, 2));
        return;
      }
      const terminal = process.stdout.isTTY;
      const decoder = new TextDecoder();
      for await (const piece of contentOf(found.node, signal)) {
        await output.bytes(terminal ? Buffer.from(printable(decoder.decode(piece, { stream: true }))) : piece);
      }
    }),
};

function asText(bytes: Buffer): { text: string } | { base64: string } {
  try {
    return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return { base64: bytes.toString('base64') };
  }
}
