import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateLoginKey } from '../guest/index.ts';
import type { DiskLayer } from '../machine/index.ts';
import { type Checkpoint, checkpointFiles, checkpointPath } from './checkpoint/checkpoint.ts';
import { createDiskFile, writing } from './disk-file.ts';
import { diskImage, type GuestFiles, hasScreen } from './hardware.ts';
import { createOwnFile } from './own-file.ts';
import { createScreenFile, screenFile } from './screen/screen.ts';
import { seedImage } from './seed.ts';
import type { GuestImage, GuestSpec } from './spec.ts';

/**
 * Makes what a guest needs in its folder: an overlay over each image, empty disks, a login key of its own, the seed that
 * brings the key in, and a copy of the firmware's variables. A fork has overlays over the disks of its checkpoint, and
 * key and seed of the guest that it was.
 * @throws GvmError `disk-full`, `tool-missing`, `tool-failed`; or the signal's reason
 */
export async function makeGuestFiles(
  spec: GuestSpec,
  folder: string,
  instanceId: string,
  signal: AbortSignal,
): Promise<{ files: GuestFiles; keyPath: string }> {
  const { boot, checkpoint, freezable } = spec;
  if (checkpoint) return forkFiles(spec, checkpoint, folder, signal);
  const overlay = async (name: string, image: GuestImage): Promise<DiskLayer[]> => {
    const top = await createDiskFile(join(folder, name), image.virtualSize, image.layers[0], signal);
    return [top, ...image.layers];
  };
  const key = generateLoginKey(instanceId);
  const { user, become, passwordEnv } = spec.machine.login;
  const seeded = seedImage({
    ...{ instanceId, hostname: spec.name, authorizedKeys: [key.publicKey] },
    ...{ user, become, password: passwordEnv !== undefined },
  });
  const keyPath = join(folder, checkpointFiles.key);
  const seed = join(folder, checkpointFiles.seed);
  const vars = join(folder, checkpointFiles.vars);
  const memory = join(folder, checkpointFiles.memory);
  const disks = spec.machine.disks.map(async ({ size, image }, i) => {
    const name = checkpointFiles.disk(i);
    if (image !== undefined) return overlay(name, diskImage(spec, image));
    return [await createDiskFile(join(folder, name), size ?? 0, undefined, signal)];
  });
  const [system, extra] = await writing(folder, () =>
    Promise.all([
      overlay(checkpointFiles.system, spec.image),
      Promise.all(disks),
      writeFile(keyPath, key.privateKey, { mode: 0o600 }),
      writeFile(seed, seeded, { mode: 0o600 }),
      boot.firmware === 'uefi' ? copyFile(boot.varsTemplate, vars) : undefined,
      freezable ? createOwnFile(memory, spec.machine.memory) : undefined,
      hasScreen(spec) ? createScreenFile(folder) : undefined,
    ]),
  );
  const files = {
    ...{ system, disks: extra, seed, screen: screenFile(folder) },
    ...(boot.firmware === 'uefi' ? { vars } : {}),
    ...(freezable ? { ram: { path: memory, shared: true } } : {}),
  };
  return { files, keyPath };
}

/** The same for a fork: nothing of the checkpoint is written. */
async function forkFiles(
  spec: GuestSpec,
  checkpoint: Checkpoint,
  folder: string,
  signal: AbortSignal,
): Promise<{ files: GuestFiles; keyPath: string }> {
  const of = (file: string) => checkpointPath(checkpoint, file);
  const over = async (name: string, size: number, below: readonly DiskLayer[]): Promise<DiskLayer[]> => {
    const frozen: DiskLayer = { path: of(name), format: 'qcow2' };
    return [await createDiskFile(join(folder, name), size, frozen, signal), frozen, ...below];
  };
  const disks = spec.machine.disks.map(({ size, image }, i) => {
    const base = image === undefined ? undefined : diskImage(spec, image);
    return over(checkpointFiles.disk(i), base?.virtualSize ?? size ?? 0, base?.layers ?? []);
  });
  const vars = join(folder, checkpointFiles.vars);
  const uefi = spec.boot.firmware === 'uefi';
  const [system, extra] = await writing(folder, () =>
    Promise.all([
      over(checkpointFiles.system, spec.image.virtualSize, spec.image.layers),
      Promise.all(disks),
      uefi ? copyFile(of(checkpointFiles.vars), vars) : undefined,
      hasScreen(spec) ? createScreenFile(folder) : undefined,
    ]),
  );
  const ram = { path: of(checkpointFiles.memory), shared: false, state: of(checkpointFiles.state) };
  const own = { system, disks: extra, seed: of(checkpointFiles.seed), screen: screenFile(folder) };
  const files = { ...own, ram, ...(uefi ? { vars } : {}) };
  return { files, keyPath: of(checkpointFiles.key) };
}
