import { readFile, stat } from 'node:fs/promises';
import { anySignal, type Log } from '../core/index.ts';
import { openChain } from '../disk/index.ts';
import { asGvmError } from '../errors/index.ts';
import { type DeathScene, examineDisk, type PostMortem } from '../inspect/index.ts';
import { type GuestSpec, layersBelow } from '../lab/index.ts';

/** Milliseconds that a look at the disk of a dead guest may take. */
const TIMEOUT = 30_000;
const LARGEST_INITRD = 512 * 2 ** 20;

/**
 * What the disk of a guest that died shows. It explains a failure and is none itself: undefined where the disk cannot
 * be read, for example because QEMU still has it.
 */
export async function autopsy(
  spec: GuestSpec,
  { overlay, began, log, signal }: { overlay: string; began: number; log: Log; signal: AbortSignal },
): Promise<PostMortem | undefined> {
  const deadline = anySignal(signal, AbortSignal.timeout(TIMEOUT));
  const { virtualSize } = spec.image;
  const layers = [{ path: overlay, format: 'qcow2' as const }, ...layersBelow(spec)];
  const chain = layers.map((layer) => ({ ...layer, virtualSize }));
  try {
    await using disk = await openChain({ layers: chain, virtualSize }, { log, signal: deadline });
    return await examineDisk(disk, await sceneOf(spec, began), deadline);
  } catch (error) {
    log.detail(`the disk of ${spec.name} could not be examined: ${asGvmError(error).message}`);
    return undefined;
  }
}

async function sceneOf({ boot, machine, kernel }: GuestSpec, began: number): Promise<DeathScene> {
  const scene: DeathScene = { bus: machine.bus, began };
  if (boot.firmware === 'direct') {
    const small = boot.initrd !== undefined && (await stat(boot.initrd)).size <= LARGEST_INITRD;
    const initrd = small ? await readFile(boot.initrd ?? '') : undefined;
    scene.direct = { append: `${boot.append} ${machine.append}`, initrd };
  }
  if (kernel) scene.kernel = { release: kernel.release, modules: kernel.moduleDisk !== undefined };
  return scene;
}
