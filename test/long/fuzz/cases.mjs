// Reads mutants of one sound image, each in a fork of this process: what one leaves behind no other sees. The fork's
// processor time and memory are bounded by the kernel, its heap by V8.
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { queryObjects, setFlagsFromString } from 'node:v8';
import { faults } from './faults.mjs';
import { cut, mutate, Pages } from './pages.mjs';
import { attempt, isTyped, placesOf, readersIn, turnTo, withoutThreads } from './readers.mjs';
import { repairs } from './repair.mjs';

/** Milliseconds in which the sound image is read again and again first, so that the forks find the code compiled. */
const WARM = 500;
/** So many mutants that passed in forks are then read in this process too: they run through more of the code. */
const WARM_CASES = 64;
/** Garbage is collected after so many forks. */
const TIDY = 1000;
const nameOf = (signal) => Object.keys(constants.signals).find((name) => constants.signals[name] === signal);

/** What is done for one case. */
async function caseOf({ image, seed, folder }) {
  const readers = readersIn(folder);
  const read = readers[image.kind] ?? readers.fileSystem;
  const disk = new Pages(image);
  const places = await placesOf(disk, image.kind, read);
  const repair = repairs[image.kind];
  const began = performance.now();
  for (let turn = 0; performance.now() < began + WARM && !(image.kind in faults); turn++) {
    turnTo(turn);
    await attempt(() => read(disk));
  }
  return async (number) => {
    const own = Math.imul(seed, 1_000_003) + number;
    const repairs = mutate(disk, places, own);
    const { writes } = disk;
    if (repairs) await repair?.(disk, places);
    const repaired = disk.writes > writes;
    cut(disk, places, own);
    turnTo(number);
    try {
      await read(disk);
      return { repaired };
    } catch (error) {
      if (!isTyped(error)) throw error;
      return { repaired, typed: true };
    }
  };
}

/** What a fork does: it says what came of its case, and ends. */
function inFork(one, number, tell) {
  const before = process.memoryUsage.rss();
  const say = (said) => tell(JSON.stringify({ ...said, memory: process.resourceUsage().maxRSS * 1024 - before }));
  // Where all that it waits for is gone.
  process.once('beforeExit', () => say({ wrong: 'ended without a word' }));
  return one(number).then(say, (error) => say({ wrong: `: ${String(error?.stack ?? error).slice(0, 8000)}` }));
}

/** Has the code of cases compiled here, once for all forks. */
async function warmUp(one, passed) {
  const began = performance.now();
  do {
    for (const number of passed) {
      await inFork(one, number, () => {});
      process.removeAllListeners('beforeExit');
    }
  } while (performance.now() < began + WARM);
  // Each would compile the same functions again.
  setFlagsFromString('--no-opt');
  setFlagsFromString('--no-sparkplug');
}

/** Collects garbage, for else every fork would: it would sweep what was only marked, and write to pages all over. */
async function tidyUp(settle) {
  globalThis.gc();
  // What buffers held is freed after this turn.
  await new Promise(setImmediate);
  // It walks the heap, which must be swept before.
  queryObjects(Pages, { format: 'count' });
  settle();
}

/** Why an ended fork is a failure; undefined where it is none. */
function wrongOf({ told, late, signal, time }, limits) {
  if (late) return `does not end, and takes no time: ${Math.round(time)} ms`;
  if (signal === constants.signals.SIGXCPU || signal === constants.signals.SIGKILL)
    return `does not end: ${Math.round(time)} ms of processor time`;
  if (signal) return `ended with ${nameOf(signal)}`;
  if (time > limits.time) return `took ${Math.round(time)} ms of processor time`;
  return told ? JSON.parse(told).wrong : 'told nothing';
}

export async function runCases(portion) {
  const { image, seed, first, step, end, limits, addon } = portion;
  const { fork, tell, waitFor, settle } = createRequire(import.meta.url)(addon);
  withoutThreads();
  const one = await caseOf(portion);
  const tally = { cases: 0, results: 0, errors: 0, repaired: 0, memory: 0, slowest: 0 };
  const passed = [];
  globalThis.gc();
  for (let number = first; number < end; number += step) {
    // One that ends late says how late; one that takes the time twice is killed.
    const pid = fork(2 * Math.ceil(limits.time / 1000), limits.memory);
    if (pid === 0) return inFork(one, number, tell);
    if (pid < 0) throw new Error('no process can be forked');
    const ended = waitFor(pid, 4 * limits.time);
    const wrong = wrongOf(ended, limits);
    if (wrong) throw new Error(`${image.name}, case ${number} (seed ${seed}) ${wrong}`);
    const { typed, repaired, memory } = JSON.parse(ended.told);
    tally.cases++;
    tally[typed ? 'errors' : 'results']++;
    if (repaired) tally.repaired++;
    tally.slowest = Math.max(tally.slowest, ended.time);
    tally.memory = Math.max(tally.memory, memory);
    if (passed.length < WARM_CASES && passed.push(number) === WARM_CASES) await warmUp(one, passed);
    if (passed.length === WARM_CASES && tally.cases % TIDY === WARM_CASES) await tidyUp(settle);
  }
  return tally;
}

/** The same cases one after the other in this process, which sees what ran. */
export async function runTogether(portion) {
  const one = await caseOf(portion);
  const tally = { cases: 0, results: 0, errors: 0, repaired: 0, memory: 0, slowest: 0 };
  for (let number = portion.first; number < portion.end; number += portion.step) {
    const { typed, repaired } = await one(number);
    tally.cases++;
    tally[typed ? 'errors' : 'results']++;
    if (repaired) tally.repaired++;
  }
  return tally;
}
