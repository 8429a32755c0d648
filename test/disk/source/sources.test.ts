import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { CachedSource } from '../../../src/disk/source/cached.ts';
import { FileSource } from '../../../src/disk/source/file.ts';
import { MemorySource } from '../../../src/disk/source/memory.ts';
import { SliceSource } from '../../../src/disk/source/slice.ts';
import type { BlockSource, Extent } from '../../../src/disk/source/source.ts';

const folder = mkdtempSync(join(tmpdir(), 'gvm-source-'));
afterAll(() => rmSync(folder, { recursive: true }));

const bytes = Buffer.from(Array.from({ length: 10_000 }, (_, i) => (i * 7919) % 251));
const file = join(folder, 'disk.raw');
writeFileSync(file, bytes);

/** Counts what reaches the source below. */
class CountingSource extends MemorySource {
  reads: [offset: number, length: number][] = [];
  failNext: Error | undefined;
  override async read(offset: number, length: number, signal?: AbortSignal): Promise<Buffer> {
    this.reads.push([offset, length]);
    const failure = this.failNext;
    this.failNext = undefined;
    if (failure) throw failure;
    await new Promise(setImmediate);
    return super.read(offset, length, signal);
  }
}

const kinds: [string, () => Promise<BlockSource>][] = [
  ['memory', async () => new MemorySource(bytes)],
  ['file', () => FileSource.open(file)],
  ['slice', async () => new SliceSource(new MemorySource(Buffer.concat([Buffer.alloc(100, 9), bytes])), 100, 10_000)],
  ['cached', async () => new CachedSource(new MemorySource(bytes), { blockSize: 64, capacity: 512, readAhead: 4 })],
];

describe.each(kinds)('%s', (_, open) => {
  it('gives exactly the bytes asked for', async () => {
    await using source = await open();
    expect(source.size).toBe(10_000);
    const range = fc.nat({ max: 10_000 }).chain((at) => fc.tuple(fc.constant(at), fc.nat({ max: 10_000 - at })));
    await fc.assert(
      fc.asyncProperty(range, async ([at, length]) => {
        expect((await source.read(at, length)).equals(bytes.subarray(at, at + length))).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  it.each([
    [9_999, 2],
    [10_001, 0],
    [-1, 1],
    [2 ** 60, 1],
    [0, -1],
  ])('refuses %i+%i as beyond its end', async (at, length) => {
    await using source = await open();
    await expect(source.read(at, length)).rejects.toMatchObject({ code: 'corrupt', details: { offset: at } });
  });

  it('covers a range with its extents', async () => {
    await using source = await open();
    const extents: Extent[] = [];
    for await (const extent of source.extents(10, 5000)) extents.push(extent);
    let at = 10;
    for (const extent of extents) {
      expect(extent.offset).toBe(at);
      at += extent.length;
    }
    expect(at).toBe(5010);
  });

  it('stops at a signal', async () => {
    await using source = await open();
    await expect(source.read(0, 1, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
  });
});

describe('file', () => {
  it('that became shorter is corrupt, not zeros', async () => {
    const path = join(folder, 'short.raw');
    writeFileSync(path, bytes);
    await using source = await FileSource.open(path);
    truncateSync(path, 100);
    await expect(source.read(50, 100)).rejects.toMatchObject({ code: 'corrupt', details: { offset: 100 } });
  });
});

describe('cached', () => {
  it('asks once for what many want at once, and fetches ahead when reads go forward', async () => {
    const base = new CountingSource(bytes);
    const source = new CachedSource(base, { blockSize: 64, capacity: 4096, readAhead: 8 });
    await Promise.all(Array.from({ length: 20 }, (_, i) => source.read(i, 10)));
    expect(base.reads).toEqual([[0, 64]]);
    for (let at = 64; at < 64 * 16; at += 8) await source.read(at, 8);
    expect(base.reads.slice(1)).toEqual([
      [64, 128],
      [192, 256],
      [448, 512],
      [960, 512],
    ]);
  });

  it('keeps no more than its capacity', async () => {
    const base = new CountingSource(bytes);
    const source = new CachedSource(base, { blockSize: 64, capacity: 640, readAhead: 1 });
    for (const at of [0, 640, 1280, 0, 64 * 40, 64 * 50, 64 * 60, 64 * 70, 64 * 80, 64 * 90, 64 * 99, 64 * 101]) {
      await source.read(at, 1);
    }
    expect(base.reads).toHaveLength(11);
    await source.read(0, 1);
    expect(base.reads).toHaveLength(11);
    await source.read(640, 1);
    expect(base.reads).toHaveLength(12);
  });

  it('hands a failure to who asked, and reads again for the next', async () => {
    const base = new CountingSource(bytes);
    const source = new CachedSource(base, { blockSize: 64 });
    base.failNext = new Error('lost');
    const outcomes = await Promise.allSettled([source.read(0, 8), source.read(8, 8)]);
    expect(outcomes.map((o) => o.status)).toEqual(['rejected', 'fulfilled']);
    expect((await source.read(0, 4)).equals(bytes.subarray(0, 4))).toBe(true);
  });
});
