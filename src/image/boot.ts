import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { GvmError } from '../errors/index.ts';
import { findUefi } from '../host/index.ts';
import type { GuestBoot, GuestKernel, GuestSpec } from '../lab/index.ts';
import type { ResolvedMachine } from '../schema/index.ts';
import { findBusybox } from './busybox.ts';
import { directBoot, foreignInitramfs, rootOf } from './direct-boot.ts';
import { ensureImage } from './ensure.ts';
import type { DescribeOptions, FoundImage } from './guest-spec.ts';
import { prepareKernel } from './kernel/prepare.ts';
import { listRecipes, loadRecipe } from './recipe.ts';

type Boot = Pick<GuestSpec, 'boot' | 'kernel'>;

/** How a guest starts. */
export async function bootOf(found: FoundImage, machine: ResolvedMachine, options: DescribeOptions): Promise<Boot> {
  switch (machine.firmware) {
    case 'bios':
      return { boot: { firmware: 'bios' } };
    case 'uefi':
      return { boot: uefiBoot(machine.arch) };
    case 'direct':
      break;
  }
  const initrd = machine.initrd === undefined ? undefined : resolve(options.cwd, machine.initrd);
  if (initrd !== undefined && !existsSync(initrd)) {
    throw new GvmError({ code: 'file-missing', message: `no such initramfs: ${initrd}` });
  }
  if (machine.kernel !== undefined) return foreignBoot(found, machine, initrd, options);
  if (found.stored) {
    const own = await directBoot(found.stored, { buses: [machine.bus], scale: options.scale });
    return { boot: { firmware: 'direct', ...own, ...(initrd === undefined ? {} : { initrd }) } };
  }
  throw new GvmError({
    code: 'usage',
    message: `${options.image} brings no kernel of its own for firmware: direct`,
    hint: 'give machine.kernel, or set firmware: bios or uefi',
  });
}

/** A kernel that was brought along, with an initramfs of gvm's own unless the user has one. */
async function foreignBoot(
  { stored }: FoundImage,
  machine: ResolvedMachine,
  initrd: string | undefined,
  options: DescribeOptions,
): Promise<Boot> {
  const { log, signal, store, scale } = options;
  const source = await pathOf(machine.kernel ?? '', options);
  const kernel = await prepareKernel(source, {
    kernels: store.kernels,
    signal,
    onEvent: options.onEvent,
    onPrepare: () => log.info(`preparing the kernel ${source}`),
  });
  const { arch, release, digest } = kernel.manifest;
  if (arch !== machine.arch) {
    throw new GvmError({
      code: 'usage',
      message: `the kernel ${source} is for ${arch}, but the machine is ${machine.arch}`,
      hint: `give a kernel for ${machine.arch}, or set machine.arch`,
    });
  }
  const given: GuestKernel = { source, digest, ...(release === undefined ? {} : { release }) };
  const boot = (own: string | undefined): GuestBoot => ({
    firmware: 'direct',
    kernel: kernel.image,
    ...(own === undefined ? {} : { initrd: own }),
    append: stored ? rootOf(stored, scale) : '',
  });
  if (initrd !== undefined) return { boot: boot(initrd), kernel: given };
  if (!kernel.manifest.modules) {
    // The modules of an image fit its own kernel alone.
    if (stored && release === stored.manifest.kernel.release) {
      const { initrd: own } = await directBoot(stored, { buses: [machine.bus], scale });
      return { boot: boot(own), kernel: given };
    }
    if (!stored) return { boot: boot(undefined), kernel: given };
  }
  if (!stored && !/(^|\s)root=/.test(machine.append)) {
    throw new GvmError({
      code: 'usage',
      message: `gvm does not know where the root of ${options.image} is`,
      hint: 'append it for the kernel, for example --append "root=/dev/vda3 rootfstype=xfs"',
    });
  }
  const made = await foreignInitramfs(kernel, {
    buses: [machine.bus],
    fileSystem: /(?:^|\s)rootfstype=(\w+)/.exec(machine.append)?.[1] ?? stored?.manifest.root.type,
    busybox: stored ? join(stored.folder, 'busybox') : await findBusybox(arch, options),
  });
  const { moduleDisk } = kernel;
  return { boot: boot(made), kernel: { ...given, ...(moduleDisk === undefined ? {} : { moduleDisk }) } };
}

/** What stands for a kernel: a path, or an image that gvm has a recipe of. */
async function pathOf(kernel: string, options: DescribeOptions): Promise<string> {
  const file = resolve(options.cwd, kernel);
  const recipe = existsSync(file) ? undefined : (await listRecipes(options.recipes)).get(kernel);
  if (!recipe) return file;
  const { folder } = await ensureImage(options.store, await loadRecipe(recipe), options);
  return join(folder, 'disk.qcow2');
}

function uefiBoot(arch: ResolvedMachine['arch']): GuestBoot {
  const firmware = findUefi('/', arch);
  if (firmware) return { firmware: 'uefi', code: firmware.code, varsTemplate: firmware.vars };
  throw new GvmError({
    code: 'host-resource',
    message: `no UEFI firmware for ${arch} is installed`,
    hint: arch === 'x86_64' ? 'gvm doctor names the package' : 'install the package qemu-efi-aarch64 or edk2-aarch64',
  });
}
