import { z } from 'zod';
import { parseDuration, parseSize } from '../core/index.ts';

/** A size such as `512M` or `1G` (binary units); the value is in bytes. */
export const size = z
  .string({ error: 'expected a size such as 512M or 1G, with its unit' })
  .transform((text, context) => {
    const bytes = parseSize(text);
    if (bytes === undefined) context.addIssue(`expected a size such as 512M or 1G, found "${text}"`);
    return bytes ?? z.NEVER;
  })
  .meta({ description: 'a size with a binary unit, for example 512M or 1G' });

/** A duration such as `500ms`, `30s` or `2m`; the value is in milliseconds. */
export const duration = z
  .string({ error: 'expected a duration such as 500ms, 30s or 2m, with its unit' })
  .transform((text, context) => {
    const ms = parseDuration(text);
    if (ms === undefined) context.addIssue(`expected a duration such as 500ms, 30s or 2m, found "${text}"`);
    return ms ?? z.NEVER;
  })
  .meta({ description: 'a duration, for example 500ms, 30s, 2m' });

/** Names of guests, images, suites: safe in file names, in QEMU option strings and in shells. */
export const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'expected a name of lower-case letters, digits, ".", "_" and "-"');
