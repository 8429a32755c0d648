// Reads mutants of one sound image, case after case. Where it is stands in shared memory, so that one which never ends is
// found from outside; what is thrown must be one of the errors that readers may end with.
import { getHeapStatistics } from 'node:v8';
import { workerData } from 'node:worker_threads';
import { cut, mutate, Pages } from './pages.mjs';
import { isTyped, placesOf, readersIn, turnTo } from './readers.mjs';
import { repairs } from './repair.mjs';

const { kind, seed, first, step, end, folder, limits, compared, progress } = workerData;

/** What came of one case, and what it took of processor time (ms) and memory (bytes). */
async function measured(read, disk) {
  const cpu = process.cpuUsage();
  const before = getHeapStatistics();
  let outcome;
  let typed = false;
  try {
    const found = await read(disk);
    outcome = typeof found === 'number' ? `${found}` : 'read';
  } catch (error) {
    if (!isTyped(error)) throw error;
    typed = true;
    // Readers of files name theirs, which is another in each worker.
    outcome = `${error.code}: ${error.message.replace(/mutant-[\d-]+/g, 'mutant')}`;
  }
  const { user, system } = process.cpuUsage(cpu);
  const after = getHeapStatistics();
  return {
    outcome,
    typed,
    time: (user + system) / 1000,
    heap: after.used_heap_size,
    buffers: after.external_memory - before.external_memory,
  };
}

export async function runCases() {
  const readers = readersIn(folder);
  const read = readers[kind] ?? readers.fileSystem;
  const disk = new Pages(workerData);
  const places = await placesOf(disk, kind, read);
  const tally = { cases: 0, results: 0, errors: 0, repaired: 0, buffers: 0, heap: 0, slowest: 0 };
  const outcomes = new Map();
  for (let number = first; number < end; number += step) {
    Atomics.store(progress, 0, number);
    const own = Math.imul(seed, 1_000_003) + number;
    const repaired = mutate(disk, places, own) && repairs[kind] !== undefined;
    if (repaired) await repairs[kind](disk, places);
    cut(disk, places, own);
    turnTo(number);
    const { outcome, typed, time, heap, buffers } = await measured(read, disk).catch((error) => {
      throw new Error(`case ${number}: ${error?.stack ?? error}`);
    });
    if (time > limits.time) throw new Error(`case ${number} took ${time} ms of processor time`);
    if (buffers > limits.buffers) throw new Error(`case ${number} took buffers of ${buffers} bytes`);
    if (number % compared === 0) outcomes.set(number, outcome);
    tally.cases++;
    tally[typed ? 'errors' : 'results']++;
    if (repaired) tally.repaired++;
    tally.slowest = Math.max(tally.slowest, time);
    tally.heap = Math.max(tally.heap, heap);
    tally.buffers = Math.max(tally.buffers, buffers);
  }
  return { tally, outcomes };
}
