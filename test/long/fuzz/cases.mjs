// Reads mutants of one sound image, case after case. Where it is stands in shared memory, so that one which never ends is
// found from outside; what is thrown must be one of the errors that readers may end with.
import { getHeapStatistics } from 'node:v8';
import { workerData } from 'node:worker_threads';
import { mutate, Pages } from './pages.mjs';
import { isTyped, placesOf, readersIn, turnTo } from './readers.mjs';
import { repairs } from './repair.mjs';

const { kind, seed, first, step, end, folder, progress } = workerData;

export async function runCases() {
  const readers = readersIn(folder);
  const read = readers[kind] ?? readers.fileSystem;
  const disk = new Pages(workerData);
  const places = await placesOf(disk, kind, read);
  const tally = { cases: 0, results: 0, errors: 0, repaired: 0, buffers: 0, slowest: 0 };
  for (let number = first; number < end; number += step) {
    Atomics.store(progress, 0, number);
    const repaired = mutate(disk, places, Math.imul(seed, 1_000_003) + number) && repairs[kind] !== undefined;
    if (repaired) {
      await repairs[kind](disk, places);
      tally.repaired++;
    }
    turnTo(number);
    const began = performance.now();
    const before = getHeapStatistics().external_memory;
    try {
      await read(disk);
      tally.results++;
    } catch (error) {
      if (!isTyped(error)) throw new Error(`case ${number}: ${error?.stack ?? error}`);
      tally.errors++;
    }
    tally.cases++;
    tally.slowest = Math.max(tally.slowest, performance.now() - began);
    tally.buffers = Math.max(tally.buffers, getHeapStatistics().external_memory - before);
  }
  return tally;
}
