import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateLoginKey } from '../guest/index.ts';
import type { DiskLayer } from '../machine/index.ts';
import { type Checkpoint, checkpointFiles, checkpointPath, frozenLayers } from './checkpoint/checkpoint.ts';
import { createDiskFile, writing } from './disk-file.ts';
import { diskImage, type GuestFiles, hasScreen } from './hardware.ts';
import { copyOwnFile, createOwnFile } from './own-file.ts';
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

/** The empty overlays of forks, by the names of their files: those of one checkpoint are all the same. */
const overlays = new WeakMap<Checkpoint, ReadonlyMap<string, Buffer>>();

/** The same for a fork: nothing of the checkpoint is written. One that is frozen in its turn has a memory file of its own. */
async function forkFiles(
  spec: GuestSpec,
  checkpoint: Checkpoint,
  folder: string,
  signal: AbortSignal,
): Promise<{ files: GuestFiles; keyPath: string }> {
  const of = (file: string) => checkpointPath(checkpoint, file);
  const over = async (name: string, size: number, below: readonly DiskLayer[]): Promise<DiskLayer[]> => {
    const layers = [...frozenLayers(checkpoint, name), ...below];
    const path = join(folder, name);
    const known = overlays.get(checkpoint)?.get(name);
    if (known) await writeFile(path, known);
    else {
      await createDiskFile(path, size, layers[0], signal);
      overlays.set(checkpoint, new Map([...(overlays.get(checkpoint) ?? []), [name, await readFile(path)]]));
    }
    return [{ path, format: 'qcow2' }, ...layers];
  };
  const disks = spec.machine.disks.map(({ size, image }, i) => {
    const base = image === undefined ? undefined : diskImage(spec, image);
    return over(checkpointFiles.disk(i), base?.virtualSize ?? size ?? 0, base?.layers ?? []);
  });
  const { memory, key, seed } = checkpointFiles;
  const vars = join(folder, checkpointFiles.vars);
  const uefi = spec.boot.firmware === 'uefi';
  const { freezable = false } = spec;
  const own = (file: string) => (freezable ? join(folder, file) : of(file));
  const [system, extra] = await writing(folder, () =>
    Promise.all([
      over(checkpointFiles.system, spec.image.virtualSize, spec.image.layers),
      Promise.all(disks),
      uefi ? copyFile(of(checkpointFiles.vars), vars) : undefined,
      hasScreen(spec) ? createScreenFile(folder) : undefined,
      freezable ? copyOwnFile(of(memory), own(memory), signal) : undefined,
      ...(freezable ? [key, seed].map((file) => copyFile(of(file), own(file))) : []),
    ]),
  );
  const ram = { path: own(memory), shared: freezable, state: of(checkpointFiles.state) };
  const files = { system, disks: extra, seed: own(seed), screen: screenFile(folder), ram, ...(uefi ? { vars } : {}) };
  return { files, keyPath: own(key) };
}
