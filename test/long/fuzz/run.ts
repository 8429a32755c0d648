import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import type { Profiler } from 'node:inspector';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Seed } from './seed.ts';

/** What one case may take. A host that is busy with other things changes none of it. */
export interface Limits {
  /** Milliseconds of processor time. */
  time: number;
  /** MiB of the heap. */
  heap: number;
  /** Bytes, besides what a process has before its case: heap, buffers and code together. */
  memory: number;
}

export interface Tally {
  cases: number;
  results: number;
  errors: number;
  repaired: number;
  /** Most bytes of memory that one case took. */
  memory: number;
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
  /** What `buildForks` made. */
  addon: string;
  limits: Limits;
  coverage: boolean;
}

export interface Done {
  tally: Tally;
  coverage?: Profiler.ScriptCoverage[];
}

const LONGEST_COMPLAINT = 4000;
const file = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** Compiles what forks a running Node. @throws where there is no C compiler, or no headers of this Node */
export function buildForks(folder: string): string {
  const addon = join(folder, 'forks.node');
  const headers = join(dirname(dirname(process.execPath)), 'include', 'node');
  execFileSync('cc', ['-O2', '-Wall', '-Werror', '-shared', '-fPIC', `-I${headers}`, file('forks.c'), '-o', addon]);
  return addon;
}

/**
 * Runs cases of one image, each in a process of its own.
 * @throws an error that names the case
 */
export async function runPortion(image: Seed, portion: Portion): Promise<Done> {
  const child = fork(file('process.mjs'), {
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    env: { ...process.env, NODE_OPTIONS: '', UV_THREADPOOL_SIZE: '1', LD_PRELOAD: portion.addon },
    execArgv: [
      // A fork has one thread only, and pays for each page that it touches.
      ...['--single-threaded', '--v8-pool-size=0', '--no-flush-bytecode', '--no-memory-reducer', '--no-warnings'],
      ...['--expose-gc', '--max-semi-space-size=1', `--max-old-space-size=${portion.limits.heap}`],
    ],
  });
  try {
    return await answer(child, { image, ...portion });
  } finally {
    child.kill('SIGKILL');
  }
}

function answer(child: ChildProcess, portion: object): Promise<Done> {
  // What V8 says where it has no memory left.
  let complaint = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    if (complaint.length < LONGEST_COMPLAINT) complaint += text;
  });
  return new Promise((resolve, reject) => {
    let last: (Done & { error?: string }) | undefined;
    child.on('message', (message: Done & { error?: string }) => {
      last = message;
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (last && last.error === undefined) resolve(last);
      else reject(new Error(`${last?.error ?? `the process of the cases ended with ${signal ?? code}`}\n${complaint}`));
    });
    child.send(portion);
  });
}

export function sumUp(tallies: readonly Tally[]): Tally {
  const sum = (key: keyof Tally) => tallies.reduce((total, tally) => total + tally[key], 0);
  const most = (key: keyof Tally) => Math.round(Math.max(...tallies.map((tally) => tally[key])));
  return {
    cases: sum('cases'),
    results: sum('results'),
    errors: sum('errors'),
    repaired: sum('repaired'),
    memory: most('memory'),
    slowest: most('slowest'),
  };
}
