import { z } from 'zod';
import { loginSchema, machineSchema } from './machine.ts';
import { name, size } from './scalar.ts';

const guid = z
  .string()
  .regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'expected a GUID in lower case, such as 0a6c4c1e-8d5f-…');
const rootPath = z.string().regex(/^(?!.*\/\.\.(\/|$))\/.*$/, 'expected an absolute path inside the image');
const glob = z.string().min(1);
const mode = z.string().regex(/^0?[0-7]{3,4}$/, 'expected a quoted octal mode such as "0755"');
const packageName = z.string().regex(/^[a-z0-9][a-z0-9+.-]+$/, 'expected the name of a Debian package');

const kernel = z.strictObject({
  package: packageName.meta({ description: 'a kernel package, or a meta package that depends on one' }),
  modules: z
    .array(glob)
    .min(1)
    .meta({ description: 'modules to keep, below kernel/ and without .ko; with what they need' }),
});

const debian = z.strictObject({
  suite: z.string().regex(/^[a-z]+$/),
  mirror: z
    .url()
    .optional()
    .meta({ description: 'where the packages are, where the apt of the machine has no such suite' }),
  packages: z.array(packageName).min(1),
  exclude: z.array(glob).default([]).meta({ description: 'paths of the packages that the image does not get' }),
  keep: z
    .array(glob)
    .default([])
    .meta({ description: 'paths that stay although every image is made without such, for example **/*.pyc' }),
  kernel,
});

const overlay = z.strictObject({
  from: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .transform((folders) => [folders].flat())
    .meta({
      description:
        'folders beside the recipe, the last that has a file wins; files that begin with #! become 0755, others 0644',
    }),
  links: z.record(rootPath, z.string().min(1)).default({}).meta({ description: 'symbolic links: path to target' }),
  modes: z.array(z.strictObject({ path: rootPath, mode })).default([]),
  edits: z
    .array(z.strictObject({ path: rootPath, find: z.string().min(1), replace: z.string() }))
    .default([])
    .meta({ description: 'one replacement in a file of a package; the text to find must be there exactly once' }),
});

const fileSystem = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('vfat'),
    label: z.string().regex(/^[A-Za-z0-9-]{1,11}$/),
    id: z.string().regex(/^[0-9A-F]{4}-[0-9A-F]{4}$/, 'expected a volume id such as 6776-6D01'),
  }),
  z.strictObject({
    type: z.literal('ext4'),
    label: z.string().min(1).max(16),
    uuid: guid,
    hashSeed: guid,
  }),
  z
    .strictObject({ type: z.literal('xfs'), label: z.string().min(1).max(12), uuid: guid })
    .meta({ description: 'made and filled in a guest, by the mkfs.xfs of the image (package xfsprogs)' }),
]);

const partition = z.strictObject({
  label: z.string().min(1).max(36),
  type: z.enum(['esp', 'linux', 'linux-root-x86-64']),
  guid,
  size: size.optional().meta({ description: 'the last partition may leave it out and takes the rest' }),
  mount: rootPath,
  filesystem: fileSystem,
});

const disk = z
  .strictObject({
    size,
    guid,
    partitions: z.array(partition).min(1).max(16),
    biosBoot: guid.optional().meta({
      description:
        'GUID of a BIOS boot partition, which lies before the others and is numbered after them; GRUB for the BIOS goes there',
    }),
  })
  .refine(
    (d) => d.partitions.filter((p) => p.mount === '/').length === 1,
    'expected exactly one partition mounted at /',
  )
  .refine(
    (d) => d.partitions.slice(0, -1).every((p) => p.size !== undefined),
    'only the last partition may have no size',
  )
  .refine(
    (d) => d.partitions.every((p) => (p.type === 'esp') === (p.filesystem.type === 'vfat')),
    'a partition of type esp has a vfat file system, and no other has one',
  );

const boot = z.strictObject({
  firmware: z.enum(['direct', 'bios', 'uefi']).default('direct'),
  append: z.string().default('').meta({ description: 'kernel command line; root= and rootfstype= are put before it' }),
  grub: z
    .strictObject({ package: packageName, image: z.string().min(1), config: rootPath, menu: rootPath.optional() })
    .optional()
    .meta({
      description:
        'the GRUB image that becomes EFI/BOOT/BOOTX64.EFI, and where on the ESP it looks for grub.cfg; menu: where the menu lies, if config only leads to it',
    }),
});

/** `images/NAME.yaml`: how an image is made, and how it likes to be run. */
export const recipeSchema = z
  .strictObject({
    version: z.literal(1).optional(),
    name,
    extends: name
      .optional()
      .meta({ description: 'a recipe beside this one: its maps are merged, its lists and values replaced by ours' }),
    description: z.string().min(1),
    arch: z.literal('x86_64').default('x86_64'),
    init: z.enum(['openrc', 'systemd', 'none']),
    source: z.strictObject({ debian }),
    overlay,
    runlevels: z
      .record(z.string().regex(/^[a-z]+$/), z.array(z.string().regex(/^[\w.-]+$/)))
      .default({})
      .meta({ description: 'services of each OpenRC runlevel; these and no others' }),
    setup: z
      .array(z.string().min(1))
      .default([])
      .meta({ description: 'commands run by /bin/sh in the root once packages and overlay are in it' }),
    disk,
    boot,
    machine: machineSchema.default({}),
    login: loginSchema.default({}),
  })
  .refine(({ disk, boot }) => !disk.biosBoot || (boot.grub && disk.partitions.some(({ type }) => type === 'esp')), {
    path: ['disk', 'biosBoot'],
    error: 'GRUB for the BIOS reads the menu of boot.grub on a partition of type esp',
  })
  .meta({ title: 'Image recipe', description: 'images/NAME.yaml' });

export type Recipe = z.output<typeof recipeSchema>;
export type RecipePartition = Recipe['disk']['partitions'][number];

/** Any recipe as far as it says what it extends. */
export const extendingSchema = z.looseObject({ extends: name.optional() });

/** The schema of a recipe that extends another: what it does not say stands in the base. */
export function recipeOver(base: Record<string, unknown>) {
  return z.preprocess((own) => (isMap(own) ? merge(base, own) : own), recipeSchema);
}

function merge(base: Record<string, unknown>, own: Record<string, unknown>): Record<string, unknown> {
  const merged = { ...base };
  for (const [key, value] of Object.entries(own)) {
    const below = base[key];
    merged[key] = isMap(below) && isMap(value) ? merge(below, value) : value;
  }
  return merged;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
