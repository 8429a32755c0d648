import { join } from 'node:path';
import type { DiskLayer } from '../../machine/index.ts';
import type { CheckpointManifest } from '../../schema/index.ts';
import type { GuestSpec } from '../spec.ts';

/** A frozen guest: memory, device state and disks as they were at one moment, in a folder that only its owner enters. */
export interface Checkpoint {
  folder: string;
  manifest: CheckpointManifest;
  /** What the guest itself was a fork of, where it was one: its disks lie below. */
  parent?: Checkpoint;
  /** It serves one run, and is gone after that. */
  held?: true;
}

/** The files of a checkpoint. What it has of disks and variables depends on its machine. */
export const checkpointFiles = {
  memory: 'memory',
  state: 'state',
  key: 'key',
  seed: 'seed.img',
  vars: 'vars.fd',
  system: 'overlay.qcow2',
  disk: (index: number): string => `disk${index + 1}.qcow2`,
} as const;

/** The path of one of its files. */
export function checkpointPath({ folder }: Checkpoint, file: string): string {
  return join(folder, file);
}

/** A disk as it was frozen, with what lies below it of the checkpoints before; nothing of a guest that was booted. */
export function frozenLayers(checkpoint: Checkpoint | undefined, file: string): DiskLayer[] {
  if (!checkpoint) return [];
  const own: DiskLayer = { path: checkpointPath(checkpoint, file), format: 'qcow2' };
  return [own, ...frozenLayers(checkpoint.parent, file)];
}

/** What lies below a guest's own overlay of its system disk, top first. */
export function layersBelow({ checkpoint, image }: Pick<GuestSpec, 'checkpoint' | 'image'>): DiskLayer[] {
  return [...frozenLayers(checkpoint, checkpointFiles.system), ...image.layers];
}
