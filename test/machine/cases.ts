import type { MachineDisk, MachineInput } from '../../src/machine/index.ts';

const MEBI = 2 ** 20;

/** Paths of the files that the cases name. The end-to-end test makes them; the golden files show these names. */
export const files = {
  base: '/images/base.qcow2',
  overlay: '/run/overlay.qcow2',
  raw: '/run/seed.img',
  extra: '/run/extra.qcow2',
  kernel: '/images/vmlinuz',
  initrd: '/images/initrd',
  code: '/firmware/code.fd',
  vars: '/run/vars.fd',
} as const;

type Files = Record<keyof typeof files, string>;

function systemDisk(at: Files, bus: MachineDisk['bus'] = 'virtio', sector: 512 | 4096 = 512): MachineDisk {
  const layers: MachineDisk['layers'] = [
    { path: at.overlay, format: 'qcow2' },
    { path: at.base, format: 'qcow2' },
  ];
  return { id: 'system', layers, writable: true, bus, sector };
}

function seedDisk(at: Files): MachineDisk {
  return { id: 'seed', layers: [{ path: at.raw, format: 'raw' }], writable: false, bus: 'virtio', sector: 512 };
}

/** Every machine whose command line is kept as a golden file, and is given to a real QEMU. */
export function cases(at: Files = files): Record<string, MachineInput> {
  const base: MachineInput = {
    name: 'gvm-run1-guest1',
    arch: 'x86_64',
    memory: 256 * MEBI,
    cpus: 2,
    accelerator: 'tcg',
    boot: { firmware: 'bios' },
    disks: [systemDisk(at)],
    networks: [{ model: 'virtio-net', mode: 'restricted' }],
    forward: 22,
  };
  const direct = {
    firmware: 'direct',
    kernel: at.kernel,
    initrd: at.initrd,
    append: 'root=/dev/vda2 quiet=a,b',
  } as const;
  const extra = (bus: MachineDisk['bus'], sector: 512 | 4096 = 512): MachineDisk => ({
    id: 'extra',
    layers: [{ path: at.extra, format: 'qcow2' }],
    writable: true,
    bus,
    sector,
  });
  return {
    bios: base,
    direct: { ...base, boot: direct, disks: [systemDisk(at), seedDisk(at)], noReboot: true },
    'direct-no-initrd': { ...base, boot: { firmware: 'direct', kernel: at.kernel, append: '' } },
    uefi: { ...base, boot: { firmware: 'uefi', code: at.code, vars: at.vars }, disks: [systemDisk(at), seedDisk(at)] },
    'disk-scsi': { ...base, disks: [systemDisk(at, 'scsi'), extra('scsi', 4096)] },
    'disk-sata': { ...base, disks: [systemDisk(at, 'sata'), extra('sata')] },
    'disk-nvme': { ...base, disks: [systemDisk(at, 'nvme', 4096)] },
    'disk-usb': { ...base, disks: [systemDisk(at, 'usb'), extra('virtio', 4096)] },
    'network-internet': { ...base, forward: 2222, networks: [{ model: 'e1000e', mode: 'internet' }] },
    'network-several': {
      ...base,
      networks: [
        { model: 'rtl8139', mode: 'none' },
        { model: 'e1000', mode: 'restricted' },
        { model: 'virtio-net', mode: 'internet' },
      ],
    },
    'network-none': { ...base, networks: [] },
    'cpu-model': { ...base, cpu: 'Nehalem', cpus: 1, memory: 192 * MEBI + 4096 },
  };
}
