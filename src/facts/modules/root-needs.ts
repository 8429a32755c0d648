/** Buses on which a system disk can stand. */
export const rootBuses = ['virtio', 'scsi', 'sata', 'nvme', 'usb'] as const;
export type RootBus = (typeof rootBuses)[number];

const busModules: Record<RootBus, readonly string[]> = {
  virtio: ['virtio_pci', 'virtio_blk'],
  scsi: ['virtio_pci', 'virtio_scsi', 'sd_mod'],
  sata: ['ahci', 'sd_mod'],
  nvme: ['nvme'],
  usb: ['xhci_pci', 'uas', 'usb_storage', 'sd_mod'],
};

// What a file system asks for at mount time and modules.dep does not know.
const fileSystemModules: Record<string, readonly string[]> = {
  vfat: ['vfat', 'nls_ascii', 'nls_cp437', 'nls_utf8'],
};

/** Modules without which a kernel cannot reach a root file system of a type on disks of these buses. */
export function rootNeeds(buses: readonly RootBus[], fileSystem: string): string[] {
  const names = [...buses.flatMap((bus) => busModules[bus]), ...(fileSystemModules[fileSystem] ?? [fileSystem])];
  return [...new Set(names)];
}
