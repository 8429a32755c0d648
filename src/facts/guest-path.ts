import { z } from 'zod';

/** A path in the guest: any text but NUL; a relative one, or one that begins with a dash, is taken from `.`. */
export const guestPath = z
  .string()
  .min(1)
  .max(4095)
  .refine((path) => !path.includes('\0'), 'a path holds no NUL character');
