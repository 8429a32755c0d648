import { z } from 'zod';
import { loginSchema } from './machine.ts';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const bytes = z.int().nonnegative();

const recordedPackage = z.strictObject({
  name: z.string().min(1),
  version: z.string().min(1),
  arch: z.string().min(1),
  sha256,
  role: z.enum(['root', 'kernel', 'loader']),
});

/** `packages.json`: what a build was made of; `gvm image build --packages` builds from it again. */
export const packageListSchema = z
  .strictObject({
    suite: z.string().min(1),
    sourceDateEpoch: z.int().positive(),
    packages: z.array(recordedPackage).min(1),
  })
  .meta({ title: 'Package list', description: 'the packages of one build of an image' });

export type PackageList = z.output<typeof packageListSchema>;
export type RecordedPackage = z.output<typeof recordedPackage>;

/** `manifest.json` of the store: written last, so an image that has one is whole. */
export const storedImageSchema = z
  .strictObject({
    name: z.string().min(1),
    description: z.string(),
    recipe: sha256.meta({ description: 'of the recipe and its overlay' }),
    digest: sha256.meta({ description: 'of the disk image' }),
    format: z.literal('qcow2'),
    diskBytes: bytes,
    virtualSize: bytes,
    arch: z.literal('x86_64'),
    init: z.enum(['openrc', 'systemd', 'none']),
    kernel: z.strictObject({ release: z.string().min(1), compressed: z.boolean() }),
    root: z.strictObject({ uuid: z.string().min(1), type: z.string().min(1) }),
    firmware: z.enum(['direct', 'bios', 'uefi']),
    append: z.string(),
    memory: bytes.optional(),
    cpus: z.int().positive().optional(),
    cpu: z.string().optional(),
    login: loginSchema,
    list: packageListSchema,
    buildMode: z.enum(['root', 'unshare', 'fakechroot', 'guest']),
    gvm: z.string().min(1),
    builtAt: z.iso.datetime(),
    buildMs: bytes,
  })
  .meta({ title: 'Stored image', description: 'manifest.json beside an image of the store' });

export type StoredImageManifest = z.output<typeof storedImageSchema>;
