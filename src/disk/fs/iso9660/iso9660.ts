// Reads: ISO 9660 with Rock Ridge, else with Joliet, else plain; files in several extents, directories that were moved up.
// Specification: ECMA-119; IEEE P1281 and P1282 (Rock Ridge); Microsoft's Joliet specification.
// Does not read: interleaved files, multi-volume sets, blocks other than 2048 bytes, zisofs (refused by name), UDF.
import type { BlockSource } from '../../source/source.ts';
import type { FileSystem, FileSystemKind, Usage } from '../file-system.ts';
import { IsoNode } from './node.ts';
import { type IsoVolume, readVolume, SECTOR } from './volume.ts';

class Iso9660 implements FileSystem {
  readonly type = 'iso9660';
  readonly label: string | undefined;
  readonly uuid = undefined;
  readonly blockSize = SECTOR;
  readonly features: readonly string[];
  readonly diagnostics = [];
  readonly #volume: IsoVolume;

  constructor(volume: IsoVolume) {
    this.#volume = volume;
    this.label = volume.label;
    this.features = [volume.names];
  }

  root(signal?: AbortSignal): Promise<IsoNode> {
    return IsoNode.root(this.#volume, signal);
  }

  /** It is full, always. */
  async usage(): Promise<Usage> {
    return { total: this.#volume.size, free: 0, available: 0, files: undefined, freeFiles: undefined };
  }
}

export const iso9660: FileSystemKind = {
  name: 'iso9660',
  async probe(source, signal) {
    if (source.size < 17 * SECTOR) return false;
    return (await source.read(16 * SECTOR + 1, 5, signal)).toString('latin1') === 'CD001';
  },
  async open(source: BlockSource, signal) {
    return new Iso9660(await readVolume(source, signal));
  },
};
