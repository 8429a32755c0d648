import { join } from 'node:path';
import type { CheckpointManifest } from '../../schema/index.ts';

/** A frozen guest: memory, device state and disks as they were at one moment, in a folder that only its owner enters. */
export interface Checkpoint {
  folder: string;
  manifest: CheckpointManifest;
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
