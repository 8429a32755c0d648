import { z } from 'zod';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** `checkpoint.json`: what a stored checkpoint is of, and what its files must hold. */
export const checkpointSchema = z.strictObject({
  version: z.literal(1),
  /** Digest of all that a fork must have in common with the guest that was frozen. */
  key: sha256,
  image: z.string(),
  guest: z.string(),
  /** Bytes of memory that the guest sees. */
  memory: z.number().int().positive(),
  /** The guest's SSH host key, where it has a network: `ssh-ed25519 AAAA…`. */
  hostKey: z.string().optional(),
  /** Whether its console channel answered, so that a fork needs no login. */
  console: z.boolean(),
  /** Milliseconds from the start of QEMU until the guest was ready. */
  bootMs: z.number().nonnegative(),
  madeAt: z.iso.datetime(),
  /** A digest of each file beside this one. */
  files: z.record(z.string(), sha256),
});

export type CheckpointManifest = z.output<typeof checkpointSchema>;
