import { relative, resolve, sep } from 'node:path';
import type { ProvidedContext } from 'vitest';
import type { ViteUserConfig } from 'vitest/config';
import { createVitest, type Reporter } from 'vitest/node';
import type { SuitePlan } from '../suite/index.ts';
import { suitePlugin } from './plugin.ts';

declare module 'vitest' {
  interface ProvidedContext {
    gvm: WorkerContext;
  }
  interface TaskMeta {
    gvm?: import('./worker.ts').TestMeta;
  }
}

/** What each worker is told. */
export interface WorkerContext {
  /** The broker's socket. */
  socket: string;
}

export interface RunnerOptions {
  plans: readonly SuitePlan[];
  /** What the files of the plans are relative to. */
  cwd: string;
  context: ProvidedContext['gvm'];
  reporter: Reporter;
  /** How many suite files run at once. */
  workers: number;
  signal: AbortSignal;
  /** A folder of the run for vitest's temporary files: what removes the run removes them too. */
  scratch: string;
}

/**
 * Runs planned suites on vitest, isolated from any vitest or vite configuration of the project. vitest's own signal
 * handlers exit the process while guests still run, so they are taken out: signals belong to the caller, who aborts.
 */
export async function runOnVitest({
  plans,
  cwd,
  context,
  reporter,
  workers,
  signal,
  scratch,
}: RunnerOptions): Promise<void> {
  const byPath = new Map<string, SuitePlan[]>();
  for (const plan of plans) {
    const path = resolve(cwd, plan.file);
    byPath.set(path, [...(byPath.get(path) ?? []), plan]);
  }
  const root = commonFolder([...byPath.keys()]);
  const before = { SIGINT: process.listeners('SIGINT'), SIGTERM: process.listeners('SIGTERM') };
  const temporary = process.env.TMPDIR;
  process.env.TMPDIR = scratch;
  const vitest = await createVitest(
    'test',
    {
      root,
      config: false,
      watch: false,
      include: [...byPath.keys()].map((path) => escapeGlob(relative(root, path))),
      exclude: [],
      cache: false,
      reporters: [reporter],
      // The deadlines are gvm's own: they scale with the host and say what they last saw.
      testTimeout: 0,
      hookTimeout: 0,
      teardownTimeout: 60_000,
      pool: 'forks',
      maxWorkers: workers,
      fileParallelism: workers > 1,
      // Cells wait for their guests inside of their tests: a limit here would keep others from ending.
      maxConcurrency: plans.length + 1,
      provide: { gvm: context },
      server: { deps: { external: [/\/engine\/worker\.[jt]s$/] } },
    },
    // vitest takes vite's own options here; its type leaves out `configFile`, which keeps the project's files out.
    { configFile: false, logLevel: 'error', plugins: [suitePlugin(byPath)] } as ViteUserConfig,
  );
  if (temporary === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = temporary;
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    for (const listener of process.listeners(name)) {
      if (!before[name].includes(listener)) process.removeListener(name, listener);
    }
  }
  const exitCode = process.exitCode;
  const cancel = () => void vitest.cancelCurrentRun('keyboard-input');
  signal.addEventListener('abort', cancel, { once: true });
  try {
    if (!signal.aborted) await vitest.start();
  } finally {
    signal.removeEventListener('abort', cancel);
    await vitest.close();
    process.exitCode = exitCode;
  }
}

/** The deepest folder that holds all files; vitest finds its tests below one root. */
function commonFolder(files: readonly string[]): string {
  const [first = '/', ...others] = files;
  let parts = first.split(sep).slice(0, -1);
  for (const file of others) {
    const other = file.split(sep);
    const same = parts.findIndex((part, i) => part !== other[i]);
    if (same >= 0) parts = parts.slice(0, same);
  }
  return parts.join(sep) || sep;
}

function escapeGlob(path: string): string {
  return path.replace(/[\\*?[\]{}()!+@|]/g, '\\$&');
}
