import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, describe, expect, test } from 'vitest';
import { makeSeeds, type Seed } from './fuzz/seeds.ts';

// Every reader of disks over mutants of sound images. `GVM_FUZZ_CASES` sets how many there are of each image,
// `GVM_FUZZ_SEED` makes others.
const CASES = Number(process.env.GVM_FUZZ_CASES ?? 10_000);
const SEED = Number(process.env.GVM_FUZZ_SEED ?? 1);
const WORKERS = 2;
const HEAP_MB = 192;
/** Bytes outside of the heap that a reader may hold, beyond the image itself. */
const BUFFERS = 96 * 2 ** 20;
/** Milliseconds without a step after which a case counts as one that never ends. */
const SILENCE = 20_000;

interface Tally {
  cases: number;
  results: number;
  errors: number;
  repaired: number;
  arrayBuffers: number;
}

const folder = mkdtempSync(join(tmpdir(), 'gvm-fuzz-'));
const seeds = makeSeeds(folder);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function fuzz(seed: Seed, first: number): Promise<Tally> {
  const url = new URL('./fuzz/worker.mjs', import.meta.url);
  return new Promise((resolve, reject) => {
    const worker = new Worker(url, {
      workerData: { ...seed, seed: SEED, first, step: WORKERS, count: CASES },
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
    });
    let last = -1;
    const watch = setInterval(() => {
      if (performance.now() - at < SILENCE) return;
      finish(new Error(`case ${last} of ${seed.name} has not ended after ${SILENCE} ms (seed ${SEED})`));
    }, 1000);
    let at = performance.now();
    const finish = (outcome: Error | Tally) => {
      clearInterval(watch);
      void worker.terminate();
      if (outcome instanceof Error) reject(outcome);
      else resolve(outcome);
    };
    worker.on('message', (message: { begin?: number; tally?: Tally }) => {
      at = performance.now();
      if (message.begin !== undefined) last = message.begin;
      if (message.tally) finish(message.tally);
    });
    worker.on('error', (error) => finish(new Error(`${seed.name}, case ${last} (seed ${SEED}): ${error.stack}`)));
  });
}

describe(`${CASES} mutants each, seed ${SEED}`, () => {
  test.each(seeds.map((seed) => [seed.name, seed] as const))('%s', async (name, seed) => {
    const tallies = await Promise.all(Array.from({ length: WORKERS }, (_, first) => fuzz(seed, first)));
    const sum = (key: keyof Tally) => tallies.reduce((total, tally) => total + tally[key], 0);
    console.log(
      `${name}: ${sum('cases')} cases, ${sum('results')} results, ${sum('errors')} errors, ${sum('repaired')} repaired`,
    );
    expect(sum('cases')).toBe(CASES);
    expect(Math.max(...tallies.map((tally) => tally.arrayBuffers))).toBeLessThan(BUFFERS + seed.pages.size * 4096 * 4);
  });
});
