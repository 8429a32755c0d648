// Reads: FAT12, FAT16 and FAT32 with long names.
// Specification: Microsoft "FAT: General Overview of On-Disk Format" 1.03; where Linux differs, Linux counts.
// Does not read: exFAT, code pages other than 437 for short names, FSInfo (the table is counted instead).
import type { BlockSource } from '../../source/source.ts';
import { asDiagnostic, type Diagnostic, view } from '../../trouble.ts';
import type { FileSystem, FileSystemKind, Usage } from '../file-system.ts';
import { isBootSector, parseBootSector } from './boot-sector.ts';
import { AllocationTable } from './chain.ts';
import { FatNode, type FatVolume } from './node.ts';

/** @throws GvmError `corrupt` */
async function openFat(source: BlockSource, signal?: AbortSignal): Promise<FileSystem> {
  const boot = parseBootSector(view(await source.read(0, 512, signal), 'FAT boot sector', 0), source.size);
  const volume = { source, boot, table: new AllocationTable(source, boot) };
  const diagnostics: Diagnostic[] = [];
  const say = (message: string) => diagnostics.push({ structure: 'FAT boot sector', offset: 0, message });
  if (boot.dirty) say('it was not cleanly unmounted');
  let { label } = boot;
  try {
    label = (await FatNode.root(volume).label(signal)) ?? label;
  } catch (error) {
    diagnostics.push(asDiagnostic(error));
  }
  return new Fat(volume, label, diagnostics);
}

class Fat implements FileSystem {
  readonly type = 'vfat';
  readonly label: string | undefined;
  readonly uuid: string | undefined;
  readonly blockSize: number;
  readonly features: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
  readonly #volume: FatVolume;

  constructor(volume: FatVolume, label: string | undefined, diagnostics: Diagnostic[]) {
    const { serial, clusterSize, kind } = volume.boot;
    this.#volume = volume;
    this.label = label;
    this.uuid = serial
      ?.toString(16)
      .toUpperCase()
      .padStart(8, '0')
      .replace(/^(.{4})/, '$1-');
    this.blockSize = clusterSize;
    this.features = [`fat${kind}`];
    this.diagnostics = diagnostics;
  }

  async root(): Promise<FatNode> {
    return FatNode.root(this.#volume);
  }

  async usage(signal?: AbortSignal): Promise<Usage> {
    const { clusters, clusterSize } = this.#volume.boot;
    const free = (await this.#volume.table.free(signal)) * clusterSize;
    return { total: clusters * clusterSize, free, available: free, files: undefined, freeFiles: undefined };
  }
}

export const fat: FileSystemKind = {
  name: 'fat',
  async probe(source, signal) {
    return source.size >= 512 && isBootSector(await source.read(0, 512, signal));
  },
  open: openFat,
};
