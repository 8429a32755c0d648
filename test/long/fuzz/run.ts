import type { Profiler } from 'node:inspector';
import { Worker } from 'node:worker_threads';
import type { Seed } from './seed.ts';

const HEAP_MB = 192;
/** Milliseconds without a step after which a case counts as one that never ends. */
const SILENCE = 20_000;

export interface Tally {
  cases: number;
  results: number;
  errors: number;
  repaired: number;
  /** Most bytes of buffers that one case took, and the milliseconds of the slowest. */
  buffers: number;
  slowest: number;
}

export interface Portion {
  seed: number;
  /** The cases from `first` up to `end`, in steps. */
  first: number;
  step: number;
  end: number;
  /** Where readers of files may write. */
  folder: string;
  coverage: boolean;
}

/**
 * Runs cases of one image in a worker of their own, with a bounded heap; it is killed when a case does not end.
 * @throws an error that names the case
 */
export function runPortion(
  image: Seed,
  portion: Portion,
): Promise<{ tally: Tally; coverage: Profiler.ScriptCoverage[] }> {
  // The case that is being read.
  const progress = new Int32Array(new SharedArrayBuffer(4)).fill(-1);
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./worker.mjs', import.meta.url), {
      workerData: { ...image, ...portion, progress },
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
    });
    const where = () => `${image.name}, case ${progress[0]} (seed ${portion.seed})`;
    let last = -1;
    let at = performance.now();
    const end = (settle: () => void) => {
      clearInterval(watch);
      void worker.terminate();
      settle();
    };
    const watch = setInterval(() => {
      const now = Atomics.load(progress, 0);
      if (now !== last) at = performance.now();
      last = now;
      if (performance.now() - at < SILENCE) return;
      end(() => reject(new Error(`${where()} has not ended after ${SILENCE} ms`)));
    }, 1000);
    worker.on('message', ({ tally, coverage = [] }) => end(() => resolve({ tally, coverage })));
    worker.on('error', (error) => end(() => reject(new Error(`${where()}: ${error.stack}`))));
  });
}

export function sumUp(tallies: readonly Tally[]): Tally {
  const sum = (key: keyof Tally) => tallies.reduce((total, tally) => total + tally[key], 0);
  const most = (key: keyof Tally) => Math.max(...tallies.map((tally) => tally[key]));
  return {
    cases: sum('cases'),
    results: sum('results'),
    errors: sum('errors'),
    repaired: sum('repaired'),
    buffers: most('buffers'),
    slowest: Math.round(most('slowest')),
  };
}
