import { GvmError } from '../errors/index.ts';
import { hostArchitecture } from '../host/index.ts';
import {
  type DiskLayer,
  type MachineBoot,
  type MachineDisk,
  type MachineInput,
  type MachineNetwork,
  type MachineRam,
  pasteableCommand,
} from '../machine/index.ts';
import type { GuestImage, GuestSpec } from './spec.ts';

/** The files that belong to one guest, made before it starts. */
export interface GuestFiles {
  /** The overlay and what is below it. */
  system: DiskLayer[];
  /** In the order of `machine.disks`. */
  disks: DiskLayer[][];
  seed: string;
  /** The variable store, where the firmware is UEFI. */
  vars?: string;
  /** The memory, where it is a file. */
  ram?: MachineRam;
  /** Where pictures of the screen go, where it has one. */
  screen: string;
}

type Accelerator = MachineInput['accelerator'];

/** The machine that a guest runs on. Pure. */
export function machineInput(
  spec: GuestSpec,
  processName: string,
  accelerator: Accelerator,
  files: GuestFiles,
): MachineInput {
  const { machine } = spec;
  const { bus, sector } = machine;
  const system: MachineDisk = { id: 'system', layers: files.system, writable: true, bus, sector };
  const others = machine.disks.map(
    ({ bus, sector }, i): MachineDisk => ({
      id: `disk${i + 1}`,
      layers: files.disks[i] ?? [],
      writable: true,
      bus,
      sector,
    }),
  );
  // gvm's own come last, so that they do not move the names of the guest's disks.
  const seed = readOnlyDisk('seed', files.seed);
  const modules = spec.kernel?.moduleDisk === undefined ? [] : [readOnlyDisk('modules', spec.kernel.moduleDisk)];
  return {
    name: processName,
    arch: machine.arch,
    memory: machine.memory,
    cpus: machine.cpus,
    ...(machine.cpu === undefined ? {} : { cpu: machine.cpu }),
    accelerator,
    boot: machineBoot(spec, files.vars),
    disks: [system, ...others.filter((disk) => disk.layers.length > 0), seed, ...modules],
    networks: networksOf(spec, files.ram?.state !== undefined),
    forward: machine.login.port,
    ...(machine.login.shell === undefined ? {} : { shell: true }),
    // A guest that panics or resets on its way ends QEMU, and that is seen at once.
    noReboot: true,
    ...(hasScreen(spec) ? { screen: files.screen } : {}),
    ...(files.ram === undefined ? {} : { ram: files.ram }),
  };
}

/**
 * The network cards. A fork's addresses stand on its virtio cards: other models keep theirs in a memory of their own, which
 * is part of the state that a fork goes on from.
 */
function networksOf({ machine, macs }: GuestSpec, resumed: boolean): MachineNetwork[] {
  return machine.networks.map((network, i) => {
    const mac = network.model === 'virtio-net' ? macs?.[i] : undefined;
    return mac === undefined ? network : { ...network, mac, renamed: resumed };
  });
}

/**
 * Whether a guest has a screen. Firmware and boot loaders draw on it, and a kernel that they start goes on with it. One
 * that QEMU starts by itself learns of no screen (its entry point is not that of the boot protocol, which hands one over).
 */
export function hasScreen({ boot }: Pick<GuestSpec, 'boot'>): boolean {
  return boot.firmware !== 'direct';
}

function readOnlyDisk(id: string, path: string): MachineDisk {
  return { id, layers: [{ path, format: 'raw' }], writable: false, bus: 'virtio', sector: 512 };
}

function machineBoot(spec: GuestSpec, vars: string | undefined): MachineBoot {
  const { boot } = spec;
  switch (boot.firmware) {
    case 'direct': {
      const { kernel, initrd } = boot;
      const append = commandLineOf(spec) ?? '';
      return { firmware: 'direct', kernel, ...(initrd === undefined ? {} : { initrd }), append };
    }
    case 'uefi':
      return { firmware: 'uefi', code: boot.code, vars: vars ?? boot.varsTemplate };
    case 'bios':
      return { firmware: 'bios' };
  }
}

/** What the kernel is told, where it is QEMU that tells it. */
export function commandLineOf({ boot, machine }: Pick<GuestSpec, 'boot' | 'machine'>): string | undefined {
  if (boot.firmware !== 'direct') return undefined;
  const words = [boot.append, machine.append].filter(Boolean).join(' ');
  // A kernel that panics must not stand still.
  return /(?:^|\s)panic=/.test(words) ? words : `${words} panic=-1`.trimStart();
}

/** The image of an extra disk. @throws GvmError `internal` where the caller did not resolve it */
export function diskImage(spec: GuestSpec, name: string): GuestImage {
  const image = spec.diskImages && Object.hasOwn(spec.diskImages, name) ? spec.diskImages[name] : undefined;
  if (image) return image;
  throw new GvmError({
    code: 'internal',
    message: `the image ${name} of a disk of guest ${spec.name} was not resolved`,
  });
}

/**
 * What `--dry-run` prints: QEMU's command line for a person's shell, on the images themselves, with all writes thrown
 * away. Disks that only exist while a guest runs (empty ones, the seed) are left out.
 */
export function dryRun(spec: GuestSpec, accelerator: Accelerator): string {
  const disks = spec.machine.disks.map(({ image }) => (image === undefined ? [] : diskImage(spec, image).layers));
  const name = spec.machine.arch === hostArchitecture ? accelerator : 'tcg';
  const input = machineInput(spec, `gvm-dry-${spec.name}`, name, {
    system: spec.image.layers,
    disks,
    seed: '',
    screen: '',
  });
  return pasteableCommand({ ...input, disks: input.disks.filter((disk) => disk.id !== 'seed') });
}
