import type { Profiler } from 'node:inspector';
import { Worker } from 'node:worker_threads';
import type { Seed } from './seed.ts';

/** What one case may take. A host that is busy with other things changes none of it. */
export interface Limits {
  /** Milliseconds of processor time. */
  time: number;
  /** MiB of the heap, together with what the cases before it left and nobody has swept up yet. */
  heap: number;
  /** Bytes of buffers. */
  buffers: number;
}

export interface Tally {
  cases: number;
  results: number;
  errors: number;
  repaired: number;
  /** Most bytes of buffers that one case took, and most bytes of the heap at the end of one. */
  buffers: number;
  heap: number;
  /** Milliseconds of processor time of the slowest. */
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
  limits: Limits;
  /** Of one case in so many it is told what came of it. */
  compared: number;
  coverage: boolean;
}

export interface Done {
  tally: Tally;
  outcomes: Map<number, string>;
  coverage: Profiler.ScriptCoverage[];
}

/**
 * Runs cases of one image in a worker of their own, with a bounded heap. A worker that makes no step while the process
 * takes the time of two cases is killed.
 * @throws an error that names the case; of one that had no memory left it says what it does alone
 */
export async function runPortion(image: Seed, portion: Portion): Promise<Done> {
  // The case that is being read.
  const progress = new Int32Array(new SharedArrayBuffer(4)).fill(-1);
  const where = () => `${image.name}, case ${progress[0]} (seed ${portion.seed})`;
  const worker = new Worker(new URL('./worker.mjs', import.meta.url), {
    workerData: { ...image, ...portion, progress },
    resourceLimits: { maxOldGenerationSizeMb: portion.limits.heap },
  });
  let watch: NodeJS.Timeout | undefined;
  try {
    return await new Promise<Done>((resolve, reject) => {
      const fail = (what: string, cause?: unknown) => reject(new Error(`${where()} ${what}`, { cause }));
      let [last, since] = [-1, process.cpuUsage()];
      watch = setInterval(() => {
        const now = Atomics.load(progress, 0);
        if (now !== last) [last, since] = [now, process.cpuUsage()];
        const { user, system } = process.cpuUsage(since);
        if ((user + system) / 1000 > 2 * portion.limits.time) fail('does not end');
      }, 250);
      worker.on('message', resolve);
      worker.on('error', (error) => fail(`: ${error.stack}`, error));
      // Also where all that it waits for is gone.
      worker.on('exit', () => fail('ended its worker without a word'));
    });
  } catch (error) {
    const number = progress[0] ?? 0;
    const { code } = ((error as Error).cause ?? {}) as { code?: string };
    if (code !== 'ERR_WORKER_OUT_OF_MEMORY' || portion.end === portion.first + 1) throw error;
    const alone = await runPortion(image, { ...portion, first: number, end: number + 1 }).catch((own: unknown) => own);
    throw new Error(alone instanceof Error ? alone.message : `${where()} fails only behind others: they leave memory`);
  } finally {
    clearInterval(watch);
    await worker.terminate();
  }
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
    heap: most('heap'),
    slowest: Math.round(most('slowest')),
  };
}
