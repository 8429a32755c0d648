import { z } from 'zod';

/** What each fork of a guest can have of its own, beside its clock and its entropy. */
export const identitySchema = z
  .array(z.enum(['hostname', 'machine-id', 'ssh-host-keys', 'mac-addresses']))
  .min(1, 'an empty list gives a fork nothing of its own');

export type Identity = z.output<typeof identitySchema>[number];
