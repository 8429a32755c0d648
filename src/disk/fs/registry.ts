import type { BlockSource } from '../source/source.ts';
import { btrfs } from './btrfs/btrfs.ts';
import { ext } from './ext/ext.ts';
import { fat } from './fat/fat.ts';
import type { FileSystem, FileSystemKind } from './file-system.ts';
import { iso9660 } from './iso9660/iso9660.ts';
import { squashfs } from './squashfs/squashfs.ts';
import { xfs } from './xfs/xfs.ts';

/** Every kind of file system, in the order in which they are tried. */
export const fileSystems: readonly FileSystemKind[] = [ext, fat, xfs, btrfs, squashfs, iso9660];

/**
 * Opens whatever file system a source holds; undefined when none of the kinds knows it.
 */
export async function openFileSystem(
  source: BlockSource,
  kinds: readonly FileSystemKind[] = fileSystems,
  signal?: AbortSignal,
): Promise<FileSystem | undefined> {
  for (const kind of kinds) if (await kind.probe(source, signal)) return kind.open(source, signal);
  return undefined;
}
