import { GvmError } from '../errors/index.ts';
import { contentOfSource } from './content.ts';
import type { FileSystemKind } from './fs/file-system.ts';
import { fileSystems } from './fs/registry.ts';
import { type PartitionTable, readPartitionTable } from './partition/table.ts';
import { SliceSource } from './source/slice.ts';
import type { BlockSource } from './source/source.ts';
import { asDiagnostic, type Diagnostic } from './trouble.ts';
import type { VolumeManager } from './volume/manager.ts';
import { volumeManagers } from './volume/registry.ts';
import { Stack } from './volume/stack.ts';
import type { Volume } from './volume/volume.ts';

export type { Volume } from './volume/volume.ts';

/** What is on a disk. */
export interface Layout {
  size: number;
  table: PartitionTable | undefined;
  volumes: Volume[];
  diagnostics: Diagnostic[];
}

export interface LayoutOptions {
  kinds?: readonly FileSystemKind[];
  managers?: readonly VolumeManager[];
  /** Passphrases and contents of key files, tried on everything that is encrypted. */
  keys?: readonly Buffer[];
  signal?: AbortSignal | undefined;
}

/**
 * Finds the partitions, arrays, logical and encrypted volumes and file systems of a disk. Trouble with one volume stays
 * with it.
 * @throws GvmError `no-filesystem` when nothing is recognised, `corrupt`, `unsupported` when that is all there is
 */
export async function readLayout(source: BlockSource, options: LayoutOptions = {}): Promise<Layout> {
  const { kinds = fileSystems, managers = volumeManagers, keys = [], signal } = options;
  const stack = new Stack({ kinds, managers, keys, signal });
  const whole = await stack.add({ name: 'disk', partition: undefined, start: 0, size: source.size, source });
  const diagnostics: Diagnostic[] = [];
  let table: PartitionTable | undefined;
  try {
    // A disc that boots from USB sticks too has a table beside its own file system.
    table = await readPartitionTable(source, 512, signal);
    if (table?.label === 'dos') table = await withRightSectors(source, table, kinds, signal);
  } catch (error) {
    if (!whole.fs && whole.content === undefined) throw error;
    diagnostics.push(asDiagnostic(error));
  }
  for (const partition of table?.partitions ?? []) {
    if (partition.role === 'extended') continue;
    const { start } = partition;
    const size = Math.min(partition.size, source.size - start);
    if (size <= 0) continue;
    const slice = new SliceSource(source, start, size);
    await stack.add({ name: `p${partition.number}`, partition, start, size, source: slice });
  }
  if (whole.content === undefined) stack.drop(whole);
  else settleWhole(stack, whole);
  await stack.assemble();
  const { volumes } = stack;
  if (!table && volumes.length === 0) {
    throw new GvmError({
      code: 'no-filesystem',
      message: 'the disk holds no partition table and no file system that gvm recognises',
      details: { size: source.size },
    });
  }
  return { size: source.size, table, volumes, diagnostics: [...diagnostics, ...(table?.diagnostics ?? [])] };
}

/**
 * A mark of a volume manager within a partition is that partition's, or what an earlier use of the disk left, as blkid(8)
 * sees it; elsewhere the disk is a member as a whole, and the table is that of the array.
 */
function settleWhole(stack: Stack, whole: Volume): void {
  const mark = stack.markOf(whole);
  if (mark === undefined) return;
  const others = stack.volumes.filter((volume) => volume !== whole);
  const covered = others.some(({ start, size }) => start !== undefined && start <= mark && mark < start + size);
  if (covered) stack.drop(whole);
  else for (const volume of others) stack.drop(volume);
}

/** A dos table does not say its unit: where sectors of 4096 bytes find a file system and those of 512 none, they are right. */
async function withRightSectors(
  source: BlockSource,
  table: PartitionTable,
  kinds: readonly FileSystemKind[],
  signal: AbortSignal | undefined,
): Promise<PartitionTable> {
  const known = async (candidate: PartitionTable) => {
    for (const { role, start, size } of candidate.partitions) {
      if (role === 'extended' || start + size > source.size) continue;
      const slice = new SliceSource(source, start, size);
      for (const kind of kinds) if (await kind.probe(slice, signal)) return true;
      if ((await contentOfSource(slice, signal)) !== undefined) return true;
    }
    return false;
  };
  if (await known(table)) return table;
  const large = await readPartitionTable(source, 4096, signal);
  return large && (await known(large)) ? large : table;
}
