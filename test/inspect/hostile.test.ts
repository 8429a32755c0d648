import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MemorySource } from '../../src/disk/source/memory.ts';
import { isGvmError } from '../../src/errors/index.ts';
import { examineDisk, inspectImage } from '../../src/inspect/index.ts';
import { inspectionSchema } from '../../src/inspect/schema.ts';
import { writeJournal } from '../facts/journal-writer.ts';
import { poweredOff } from '../facts/tree-disk.ts';
import { gentooModes, gentooRoot } from './gentoo.ts';

// A disk whose bytes were changed anywhere, in its metadata or in its files: an inspection ends, with an answer that
// fits its schema or a typed error.

const RUNS = 40;

let off: Awaited<ReturnType<typeof poweredOff>>;
let image: Buffer;
beforeAll(async () => {
  const boot = 'a'.repeat(32);
  const entries = Array.from({ length: 20 }, (_, i) => ({
    boot,
    realtime: 1_790_000_000_000_000n + BigInt(i),
    fields: { MESSAGE: `line ${i}` },
  }));
  off = await poweredOff({ ...gentooRoot, '/var/log/journal/x/system.journal': writeJournal(entries) }, gentooModes);
  image = readFileSync(off.image);
});
afterAll(() => off?.remove());

/** Bytes that are not zero: the rest of the disk is empty. */
function usedPlaces(): number[] {
  const places: number[] = [];
  for (let at = 0; at < image.length; at += 1) if (image[at] !== 0) places.push(at);
  return places;
}

test('whatever bytes are changed', async () => {
  const places = usedPlaces();
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(places.length - 1), fc.nat(255)), { minLength: 1, maxLength: 40 }),
      async (changes) => {
        const bytes = Buffer.from(image);
        for (const [place, value] of changes) bytes[places[place] ?? 0] = value;
        await using source = new MemorySource(bytes);
        const disk = { source, chain: undefined, [Symbol.asyncDispose]: async () => {} };
        try {
          const found = await inspectImage(disk, { image: 'x' });
          inspectionSchema.parse(found);
          expect(JSON.stringify(found).length).toBeLessThan(2_000_000);
        } catch (error) {
          if (!isGvmError(error) || error.code === 'internal') throw error;
        }
        await examineDisk(disk, { bus: 'virtio', began: 0 });
      },
    ),
    { numRuns: RUNS },
  );
}, 600_000);
