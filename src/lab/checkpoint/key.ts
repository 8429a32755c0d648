import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { hostname } from 'node:os';
import { GvmError } from '../../errors/index.ts';
import { buildCommand } from '../../machine/index.ts';
import { findTool } from '../../process/index.ts';
import { type GuestFiles, machineInput } from '../hardware.ts';
import type { GuestSpec } from '../spec.ts';
import { fileDigest } from './digest.ts';

/**
 * Refuses a machine that cannot be frozen.
 * @throws GvmError `usage` with the two ways out
 */
export function assertFreezable({ machine }: GuestSpec): void {
  // QEMU marks the device as not migratable (hw/nvme/ctrl.c, `unmigratable`).
  if (![machine, ...machine.disks].some(({ bus }) => bus === 'nvme')) return;
  throw new GvmError({
    code: 'usage',
    message: 'forks and milestones need a machine that can be frozen, and QEMU cannot save the state of an NVMe disk',
    hint: 'use another bus (virtio, scsi, sata, usb), or isolation: file without milestones',
  });
}

/**
 * The digest of all that a guest and its forks must have in common: host, QEMU's build and command line (accelerator,
 * CPU model, devices), image, extra disks, kernel, initramfs.
 */
export async function checkpointKey(spec: GuestSpec, accelerator: 'kvm' | 'tcg', signal: AbortSignal): Promise<string> {
  const file = { path: '', format: 'qcow2' as const };
  const files: GuestFiles = {
    system: [file, ...spec.image.layers],
    disks: spec.machine.disks.map(() => [file]),
    seed: '',
    screen: '',
    ram: { path: '', shared: true },
  };
  const { binary, argv } = buildCommand(machineInput(spec, 'gvm', accelerator, files));
  const { mtimeMs, size } = statSync(findTool(binary) ?? binary, { throwIfNoEntry: false }) ?? { mtimeMs: 0, size: 0 };
  const started =
    spec.boot.firmware === 'direct' ? [spec.boot.kernel, ...(spec.boot.initrd ? [spec.boot.initrd] : [])] : [];
  const parts = {
    host: hostname(),
    qemu: [binary, mtimeMs, size],
    argv,
    image: spec.image.digest,
    disks: spec.machine.disks.map(({ size, image }) => [size, image && spec.diskImages?.[image]?.digest]),
    started: await Promise.all(started.map((path) => fileDigest(path, signal))),
    init: spec.init,
    channel: spec.channel,
  };
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
