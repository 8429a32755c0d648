import fc from 'fast-check';
import { expect } from 'vitest';
import { MemorySource } from '../../src/disk/source/memory.ts';
import type { BlockSource } from '../../src/disk/source/source.ts';
import { isGvmError } from '../../src/errors/index.ts';

const TYPED = ['corrupt', 'unsupported', 'file-missing', 'no-filesystem'];

/** Whether what was thrown is one of the errors that a reader may end with. */
export function isTyped(error: unknown): boolean {
  return isGvmError(error) && TYPED.includes(error.code);
}

/**
 * Runs a reader over a disk with some bytes changed: it must come to an end, with a value or with a typed error.
 * @param repair makes checksums right again, in half of the runs; it changes bytes within the places only
 */
export async function readsAnything(
  good: Uint8Array,
  places: readonly (readonly [from: number, length: number])[],
  read: (source: BlockSource) => Promise<unknown>,
  numRuns: number,
  repair?: (bytes: Buffer) => void,
): Promise<void> {
  const place = fc.constantFrom(...places).chain(([from, length]) => fc.integer({ min: from, max: from + length - 1 }));
  const value = fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0, 1, 0x7f, 0x80, 0xff));
  const edits = fc.array(fc.tuple(place, value), { minLength: 1, maxLength: 8 });
  const bytes = Buffer.from(good);
  await fc.assert(
    fc.asyncProperty(edits, fc.boolean(), async (changes, repaired) => {
      // Only the places change, and only they are set back: a copy of the whole disk would take most of the time.
      for (const [from, length] of places) bytes.set(good.subarray(from, from + length), from);
      for (const [offset, byte] of changes) bytes[offset] = byte;
      if (repaired) repair?.(bytes);
      const outcome = await read(new MemorySource(bytes)).catch((error: unknown) => error);
      if (outcome instanceof Error) expect(isTyped(outcome), outcome.stack).toBe(true);
    }),
    { numRuns },
  );
}
