import type { FileSystem } from '../../src/disk/fs/file-system.ts';
import { Vfs } from '../../src/disk/vfs.ts';
import { walkTree } from '../../src/disk/walk.ts';
import { isTyped } from './mutate.ts';

/**
 * Reads what a file system holds: names, metadata, targets, attributes, maps, the beginning and the end of each file. Typed
 * trouble with one file is passed over, as a walk does; anything else is thrown.
 */
export async function readAll(fs: FileSystem): Promise<number> {
  const vfs = new Vfs(fs);
  let files = 0;
  const look = async (work: () => Promise<unknown>) => {
    try {
      await work();
    } catch (error) {
      if (!isTyped(error)) throw error;
    }
  };
  await look(() => fs.usage());
  for await (const walked of walkTree(vfs, await vfs.resolve('/'))) {
    files++;
    if ('trouble' in walked) continue;
    const { node } = walked;
    await look(() => node.xattrs());
    if (node.stat.type === 'symlink') await look(() => node.readlink());
    if (node.stat.type !== 'file') continue;
    await look(() => node.read(0, 70_000));
    await look(() => node.read(Math.max(0, node.stat.size - 5000), 5000));
    await look(async () => {
      let at = 0;
      for await (const extent of node.extents()) {
        if (extent.offset !== at) throw new Error(`extents leave a gap at ${at}`);
        at += extent.length;
      }
      if (at !== node.stat.size) throw new Error(`extents end at ${at}, the size is ${node.stat.size}`);
    });
  }
  return files;
}
