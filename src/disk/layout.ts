import { GvmError } from '../errors/index.ts';
import { contentOfSource } from './content.ts';
import type { FileSystem, FileSystemKind } from './fs/file-system.ts';
import { fileSystems, openFileSystem } from './fs/registry.ts';
import { type Partition, type PartitionTable, readPartitionTable } from './partition/table.ts';
import { SliceSource } from './source/slice.ts';
import type { BlockSource } from './source/source.ts';
import { asDiagnostic, type Diagnostic } from './trouble.ts';

/** A part of a disk that can hold a file system. */
export interface Volume {
  /** `disk` for the whole, `p1` for a partition. */
  name: string;
  partition: Partition | undefined;
  /** Bytes from the beginning of the disk. */
  start: number;
  size: number;
  source: BlockSource;
  fs: FileSystem | undefined;
  /** What it holds: the type of its file system, or the name of something that gvm does not read. */
  content: string | undefined;
  /** Why it is not read, or what is odd about it. */
  diagnostics: Diagnostic[];
}

/** What is on a disk. */
export interface Layout {
  size: number;
  table: PartitionTable | undefined;
  volumes: Volume[];
  diagnostics: Diagnostic[];
}

/**
 * Finds the partitions and file systems of a disk. Trouble with one volume stays with it.
 * @throws GvmError `no-filesystem` when nothing is recognised, `corrupt`, `unsupported` when that is all there is
 */
export async function readLayout(
  source: BlockSource,
  options: { kinds?: readonly FileSystemKind[]; signal?: AbortSignal | undefined } = {},
): Promise<Layout> {
  const { kinds = fileSystems, signal } = options;
  const whole = await openVolume(
    { name: 'disk', partition: undefined, start: 0, size: source.size, source },
    kinds,
    signal,
  );
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
  const volumes = whole.content === undefined ? [] : [whole];
  for (const partition of table?.partitions ?? []) {
    if (partition.role === 'extended') continue;
    const { start } = partition;
    const size = Math.min(partition.size, source.size - start);
    if (size <= 0) continue;
    const slice = new SliceSource(source, start, size);
    volumes.push(
      await openVolume({ name: `p${partition.number}`, partition, start, size, source: slice }, kinds, signal),
    );
  }
  if (!table && volumes.length === 0) {
    throw new GvmError({
      code: 'no-filesystem',
      message: 'the disk holds no partition table and no file system that gvm recognises',
      details: { size: source.size },
    });
  }
  return { size: source.size, table, volumes, diagnostics: [...diagnostics, ...(table?.diagnostics ?? [])] };
}

async function openVolume(
  place: Pick<Volume, 'name' | 'partition' | 'start' | 'size' | 'source'>,
  kinds: readonly FileSystemKind[],
  signal: AbortSignal | undefined,
): Promise<Volume> {
  let fs: FileSystem | undefined;
  const diagnostics: Diagnostic[] = [];
  try {
    fs = await openFileSystem(place.source, kinds, signal);
    if (fs) diagnostics.push(...fs.diagnostics);
  } catch (error) {
    diagnostics.push(asDiagnostic(error));
  }
  const content = fs?.type ?? (diagnostics.length > 0 ? 'damaged' : await contentOfSource(place.source, signal));
  return { ...place, fs, content, diagnostics };
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
