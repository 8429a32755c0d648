import { GvmError } from '../../errors/index.ts';
import { type Assembly, optionValue } from './assembly.ts';
import type { DiskLayer, MachineDisk, MachineInput } from './input.ts';
import { diskAddress, slotAddress, slots } from './slots.ts';

// qemu-xhci has 15 ports of each speed.
const MOST_USB_DISKS = 14;
const WITH_BACKING: readonly DiskLayer['format'][] = ['qcow2', 'vmdk'];

/** Block nodes, controllers and devices of all disks. */
export function disks(input: MachineInput, to: Assembly): void {
  const on = (bus: MachineDisk['bus']) => input.disks.filter((disk) => disk.bus === bus).length;
  if (on('scsi') > 0) to.add('-device', `virtio-scsi-pci,id=scsi,${slotAddress(slots.scsi)}`);
  const { sata: ahci } = to.architecture;
  if (on('sata') > 0 && ahci.device !== undefined) to.add('-device', ahci.device);
  if (on('usb') > 0) to.add('-device', usbController(on('usb')));
  // A kernel that QEMU loads itself holds the first place in the boot order.
  const bootable = input.boot.firmware !== 'direct';
  let sata = 0;
  for (const [index, disk] of input.disks.entries()) {
    checkDisk(disk, sata, to);
    const node = to.handover === 'descriptors' ? chain(disk, to) : throwawayDrive(disk, to);
    const words = [
      ...attachment(disk, index, `${ahci.bus}.${disk.bus === 'sata' ? sata++ : 0}`),
      `drive=${node}`,
      `id=${disk.id}`,
      `serial=${disk.id}`,
      ...(disk.sector === 512 ? [] : [`logical_block_size=${disk.sector}`, `physical_block_size=${disk.sector}`]),
      ...(bootable ? [`bootindex=${index + 1}`] : []),
    ];
    to.add('-device', words.join(','));
  }
}

/** One port stays free: QEMU would turn the last one into a slow hub. */
function usbController(disks: number): string {
  if (disks > MOST_USB_DISKS) {
    const hint = 'use bus: virtio, scsi or nvme for the others';
    throw new GvmError({ code: 'usage', message: `there are only ${MOST_USB_DISKS} USB ports`, hint });
  }
  const ports = Math.max(4, disks + 1);
  return `qemu-xhci,id=usb,p2=${ports},p3=${ports},${slotAddress(slots.usb)}`;
}

/** Device and place for each bus. */
function attachment(disk: MachineDisk, index: number, sataBus: string): string[] {
  switch (disk.bus) {
    case 'virtio':
      return ['virtio-blk-pci', diskAddress(index)];
    case 'nvme':
      return ['nvme', diskAddress(index)];
    case 'scsi':
      return ['scsi-hd', 'bus=scsi.0'];
    case 'usb':
      return ['usb-storage', 'bus=usb.0'];
    case 'sata':
      return ['ide-hd', `bus=${sataBus}`];
  }
}

/**
 * A chain as block nodes, the lowest layer first. Every layer is named with its format, and the layer above refers to
 * the node, so QEMU never opens a name out of a header. The top layer is lost with the guest: it needs no flushes.
 */
function chain(disk: MachineDisk, to: Assembly): string {
  let below: string | undefined;
  for (const [index, layer] of [...disk.layers.entries()].reverse()) {
    const writable = disk.writable && index === 0;
    const node = `${disk.id}-${index}`;
    const shared = {
      'read-only': !writable,
      cache: { direct: false, 'no-flush': writable },
      ...(writable ? { discard: 'unmap' } : {}),
    };
    const file = { driver: 'file', filename: to.fileSet(layer.path, writable), ...shared };
    const backing = WITH_BACKING.includes(layer.format) ? { backing: below ?? null } : {};
    to.addNode({ driver: layer.format, 'node-name': node, ...shared, file, ...backing });
    below = node;
  }
  return below ?? '';
}

/** For a person's shell: what the guest writes goes to a temporary file that QEMU removes, so no layer is changed. */
function throwawayDrive(disk: MachineDisk, to: Assembly): string {
  const node = `${disk.id}-0`;
  const words = [`if=none,id=${node}`, disk.writable ? 'snapshot=on' : 'readonly=on'];
  let prefix = '';
  for (const layer of disk.layers) {
    words.push(`${prefix}driver=${layer.format},${prefix}file.driver=file`);
    words.push(`${prefix}file.filename=${optionValue(layer.path)}`);
    prefix += 'backing.';
  }
  to.add('-drive', words.join(','));
  return node;
}

function checkDisk(disk: MachineDisk, sataUsed: number, to: Assembly): void {
  const refuse = (message: string, hint: string): never => {
    throw new GvmError({ code: 'usage', message: `disk ${disk.id}: ${message}`, hint });
  };
  if (!/^[A-Za-z][\w-]{0,19}$/.test(disk.id)) refuse('its name is not fit for QEMU', 'use letters, digits, - and _');
  const last = disk.layers.findIndex((layer) => !WITH_BACKING.includes(layer.format));
  if (disk.layers.length === 0) refuse('it has no file', 'give it a size or an image');
  const lowest = disk.layers[last]?.format;
  if (last !== -1 && last !== disk.layers.length - 1) {
    refuse(`a ${lowest} layer has a layer below it`, `${lowest} has no backing`);
  }
  if (!disk.writable && (disk.bus === 'sata' || disk.bus === 'nvme')) {
    refuse(`a ${disk.bus} disk cannot be read-only`, 'use bus: virtio, scsi or usb');
  }
  // QEMU refuses the one, and gives the other sectors of 512 bytes whatever it is asked for.
  if (disk.sector !== 512 && (disk.bus === 'sata' || disk.bus === 'usb')) {
    refuse(`a ${disk.bus} disk has sectors of 512 bytes`, 'use bus: virtio, scsi or nvme');
  }
  if (disk.bus !== 'sata') return;
  if (sataUsed >= to.architecture.sata.ports) {
    refuse(`there are only ${to.architecture.sata.ports} SATA ports`, 'use bus: virtio, scsi or nvme for the others');
  }
}
