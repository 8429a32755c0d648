import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateLoginKey } from '../guest/index.ts';
import type { DiskLayer } from '../machine/index.ts';
import { createDiskFile, writing } from './disk-file.ts';
import { diskImage, type GuestFiles } from './hardware.ts';
import { seedImage } from './seed.ts';
import type { GuestImage, GuestSpec } from './spec.ts';

/**
 * Makes what a guest needs in its folder: an overlay over each image, empty disks, a login key of its own, the seed that
 * brings the key in, and a copy of the firmware's variables.
 * @throws GvmError `disk-full`, `tool-missing`, `tool-failed`; or the signal's reason
 */
export async function makeGuestFiles(
  spec: GuestSpec,
  folder: string,
  instanceId: string,
  signal: AbortSignal,
): Promise<{ files: GuestFiles; keyPath: string }> {
  const overlay = async (name: string, image: GuestImage): Promise<DiskLayer[]> => {
    const top = await createDiskFile(join(folder, name), image.virtualSize, image.layers[0], signal);
    return [top, ...image.layers];
  };
  const key = generateLoginKey(instanceId);
  const keyPath = join(folder, 'key');
  const { user, become, passwordEnv } = spec.machine.login;
  const seeded = seedImage({
    ...{ instanceId, hostname: spec.name, authorizedKeys: [key.publicKey] },
    ...{ user, become, password: passwordEnv !== undefined },
  });
  const seed = join(folder, 'seed.img');
  const vars = join(folder, 'vars.fd');
  const { boot } = spec;
  const disks = spec.machine.disks.map(async ({ size, image }, i) => {
    const name = `disk${i + 1}.qcow2`;
    if (image !== undefined) return overlay(name, diskImage(spec, image));
    return [await createDiskFile(join(folder, name), size ?? 0, undefined, signal)];
  });
  const [system, extra] = await writing(folder, () =>
    Promise.all([
      overlay('overlay.qcow2', spec.image),
      Promise.all(disks),
      writeFile(keyPath, key.privateKey, { mode: 0o600 }),
      writeFile(seed, seeded, { mode: 0o600 }),
      boot.firmware === 'uefi' ? copyFile(boot.varsTemplate, vars) : undefined,
    ]),
  );
  const files = { system, disks: extra, seed, ...(boot.firmware === 'uefi' ? { vars } : {}) };
  return { files, keyPath };
}
