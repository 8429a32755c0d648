// Fixed places on the PCI bus: a guest's names for its cards (enp0s3) do not change when a disk is added.
// Slot 0 is the host bridge, slots 1 and 31 are the chipset's own on a PC and free on other boards.
const FIRST_DISK = 13;
const DISK_SLOTS = 17;

export const slots = {
  panic: 1,
  screen: 1,
  rng: 2,
  network: (index: number): number => 3 + index,
  scsi: 11,
  usb: 12,
  channel: 30,
  sata: 31,
} as const;

/** The largest number of network cards that the slots hold. */
export const MOST_NETWORKS = 8;

export function slotAddress(slot: number): string {
  return `addr=0x${slot.toString(16)}`;
}

/** Address of the disk with an index; beyond the last slot the disks share slots as further functions. */
export function diskAddress(index: number): string {
  const slot = FIRST_DISK + (index % DISK_SLOTS);
  const func = Math.floor(index / DISK_SLOTS);
  return `addr=0x${slot.toString(16)}.${func}${func === 0 ? ',multifunction=on' : ''}`;
}
