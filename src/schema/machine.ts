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

export const loginSchema = z
  .strictObject({
    user: z
      .string()
      .regex(/^[A-Za-z_][\w.-]*\$?$/, 'expected the name of a user')
      .optional(),
    port: z.int().min(1).max(65535).optional(),
    key: z.string().min(1).optional().meta({ description: 'a private key file, relative to the file that names it' }),
    agent: z.literal(true).optional().meta({ description: 'the keys of your ssh agent' }),
    'password-env': z
      .string()
      .regex(
        /^GVM_\w+$/,
        'expected a variable whose name begins with GVM_, so that no other secret can be sent to a guest',
      )
      .optional()
      .meta({ description: 'the variable of the environment that holds the password' }),
    become: z.enum(['none', 'sudo', 'doas']).optional().meta({ description: 'how a user runs commands as root' }),
    shell: z
      .literal('hvc0')
      .optional()
      .meta({ description: 'a virtio console where a shell of root waits, from which the console channel is started' }),
  })
  .refine(
    (login) => [login.key, login.agent, login['password-env']].filter((way) => way !== undefined).length <= 1,
    'expected at most one of key, agent and password-env',
  )
  .meta({ description: 'who logs in; without key, agent and password-env with a key made for the run' });

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

/** Who logs in; with none of key, agent and passwordEnv it is the key of the run. */
export interface ResolvedLogin {
  user: string;
  port: number;
  become: 'none' | 'sudo' | 'doas';
  key?: string;
  agent?: true;
  passwordEnv?: string;
  /** A virtio console of the machine where a shell waits. */
  shell?: 'hvc0';
}

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
  login: ResolvedLogin;
  timeout: number;
}
