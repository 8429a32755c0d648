import { z } from 'zod';
import { duration, size } from './scalar.ts';

const PROCESSORS = 'expected 1 to 64 processors';
const bus = z.enum(['virtio', 'scsi', 'sata', 'nvme', 'usb']);
const sector = z.union([z.literal(512), z.literal(4096)], { error: 'expected 512 or 4096' });

const disk = z
  .strictObject({
    size: size.optional(),
    image: z.string().min(1).optional(),
    bus: bus.default('virtio'),
    sector: sector.default(512),
  })
  .refine((d) => (d.size === undefined) !== (d.image === undefined), 'expected exactly one of size and image')
  .meta({ description: 'an extra disk: empty of a size, or an image of its own overlay' });

const network = z.strictObject({
  model: z.enum(['virtio-net', 'e1000', 'e1000e', 'rtl8139']).default('virtio-net'),
  mode: z.enum(['restricted', 'internet', 'none']).default('restricted'),
});

export const loginSchema = z.strictObject({
  user: z.string().min(1).optional(),
  port: z.int().min(1).max(65535).optional(),
});

/** The machine keys of design §4, the same in recipe, gvm.yaml and suite. All are optional: they are layered. */
export const machineSchema = z
  .strictObject({
    arch: z.enum(['x86_64', 'aarch64']).optional(),
    memory: size.optional(),
    cpus: z.int().min(1, PROCESSORS).max(64, PROCESSORS).optional(),
    cpu: z
      .string()
      .regex(/^[\w.,+=-]+$/, 'expected a QEMU CPU model such as Haswell or max,-avx2')
      .optional()
      .meta({ description: 'a QEMU CPU model' }),
    firmware: z.enum(['direct', 'bios', 'uefi']).optional(),
    kernel: z.string().min(1).optional(),
    initrd: z.string().min(1).optional(),
    append: z.string().optional().meta({ description: 'added to the kernel command line; the last root= wins' }),
    bus: bus.optional().meta({ description: 'bus of the system disk' }),
    sector: sector.optional().meta({ description: 'bytes of a sector of the system disk' }),
    disks: z.array(disk).max(24).optional(),
    networks: z.array(network).max(8).optional(),
    network: z.enum(['restricted', 'internet', 'none']).optional(),
    accel: z.enum(['auto', 'kvm', 'tcg']).optional(),
    login: loginSchema.optional(),
    timeout: duration.optional().meta({ description: 'deadline of the boot before scaling' }),
  })
  .meta({ title: 'Machine', description: 'a virtual machine; every key is optional and layered' });

export type MachineKeys = z.output<typeof machineSchema>;
export type Firmware = NonNullable<MachineKeys['firmware']>;
export type DiskKeys = NonNullable<MachineKeys['disks']>[number];
export type NetworkKeys = NonNullable<MachineKeys['networks']>[number];

/** A machine with every layer applied; what is absent here the machine does not have. */
export interface ResolvedMachine {
  arch: NonNullable<MachineKeys['arch']>;
  memory: number;
  cpus: number;
  cpu: string | undefined;
  firmware: Firmware;
  kernel: string | undefined;
  initrd: string | undefined;
  append: string;
  bus: NonNullable<MachineKeys['bus']>;
  sector: NonNullable<MachineKeys['sector']>;
  disks: DiskKeys[];
  networks: NetworkKeys[];
  accel: 'auto' | 'kvm' | 'tcg';
  login: { user: string; port: number };
  timeout: number;
}
