import type { ImageFormat } from './format.ts';
import type { Snapshot } from './qcow2-snapshots.ts';
import type { VmdkExtent } from './vmdk-descriptor.ts';

/** What the header of an image file says. */
export interface Audit {
  /** Bytes of the disk that it describes. */
  virtualSize: number;
  /** The layer below, as the header names it. */
  backing?: { name: string; format: string | undefined } | undefined;
  /** Its internal snapshots (qcow2). */
  snapshots?: readonly Snapshot[];
  /** Where its bytes lie, when it says so (vmdk); the files as the descriptor names them. */
  extents?: readonly VmdkExtent[];
  /** What a layer above remembers of it, and what it remembers of the one below (vmdk). */
  id?: string;
  parentId?: string | undefined;
}

/** One audited file of a chain. */
export interface ImageLayer extends Pick<Audit, 'virtualSize' | 'snapshots' | 'extents'> {
  /** Absolute, links resolved; so are the files of the extents. */
  path: string;
  format: ImageFormat;
}

export interface ImageChain {
  /** Top first. */
  layers: ImageLayer[];
  virtualSize: number;
  /** The internal snapshot of the top layer that is meant, instead of its present state. */
  snapshot?: Snapshot;
}

/** Every file that a chain is read from. */
export function filesOf({ layers }: ImageChain): string[] {
  const files = layers.flatMap(({ path, extents = [] }) => [path, ...extents.flatMap(({ file }) => file ?? [])]);
  return [...new Set(files)];
}

/** Whether all of a layer lies in its one file, so that QEMU can be given it. */
export function isOneFile({ path, extents = [] }: Pick<ImageLayer, 'path' | 'extents'>): boolean {
  return extents.every((extent) => extent.file === undefined || extent.file === path);
}
