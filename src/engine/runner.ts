import { relative, resolve, sep } from 'node:path';
import type { ViteUserConfig } from 'vitest/config';
import {
  BaseSequencer,
  createVitest,
  type Reporter,
  type TestModule,
  type TestSpecification,
  type Vitest,
} from 'vitest/node';
import type { SuitePlan } from '../suite/index.ts';
import { ownModules } from './own-modules.ts';
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
  /** The socket at which the owner serves the console channels of its guests. */
  channels: string;
  /** What the files of suites are relative to. */
  cwd: string;
  /** The folder of the reports. */
  output: string;
  /** The modules of the project's plugins. */
  plugins: readonly string[];
  /** How often a test is tried again. */
  retries: number;
  /** Whether the guest of a test that failed is kept until a person lets it go. */
  pauses: boolean;
  /** The cells of each suite in TypeScript, by its file; undefined while such a file is asked for its tests. */
  scripts?: Readonly<Record<string, readonly ScriptCell[]>>;
}

/** A suite in TypeScript in one cell of its matrix. */
export interface ScriptCell {
  key: string;
  name: string;
  /** The ids of the tests that are run, by their names. */
  ids: Readonly<Record<string, string>>;
}

export interface RunnerOptions {
  plans: readonly SuitePlan[];
  /** What the files of the plans are relative to. */
  cwd: string;
  context: Omit<WorkerContext, 'cwd'>;
  reporter: Reporter;
  /** How many suite files run at once. */
  workers: number;
  /** Failed tests after which no other is begun; 0 for no limit. */
  bail: number;
  signal: AbortSignal;
  /** A folder of the run for vitest's temporary files: what removes the run removes them too. */
  scratch: string;
}

/** Runs planned suites on vitest, begun in their order. */
export async function runOnVitest({ plans, cwd, context, ...options }: RunnerOptions): Promise<void> {
  const byPath = new Map<string, SuitePlan[]>();
  for (const plan of plans) {
    const path = resolve(cwd, plan.file);
    byPath.set(path, [...(byPath.get(path) ?? []), plan]);
  }
  await withVitest(
    { ...options, files: [...byPath.keys()], context: { ...context, cwd }, byPath, cells: plans.length },
    async (vitest) => {
      await vitest.start();
    },
  );
}

/** Runs suites in TypeScript without any test of theirs, to learn which they have. */
export async function collectOnVitest(
  files: readonly string[],
  { cwd, ...options }: Pick<RunnerOptions, 'cwd' | 'signal' | 'scratch'>,
): Promise<TestModule[]> {
  const paths = files.map((file) => resolve(cwd, file));
  const context = { socket: '', channels: '', cwd, output: '', plugins: [], retries: 0, pauses: false };
  const quiet = { ...options, reporter: {}, workers: 1, bail: 0 };
  return await withVitest({ ...quiet, files: paths, context, byPath: new Map(), cells: 0 }, async (vitest) => {
    const { testModules } = await vitest.collect();
    return testModules;
  });
}

interface VitestOptions extends Pick<RunnerOptions, 'reporter' | 'workers' | 'bail' | 'signal' | 'scratch'> {
  /** Absolute paths. */
  files: readonly string[];
  context: WorkerContext;
  byPath: ReadonlyMap<string, readonly SuitePlan[]>;
  /** How many suites there are, each in each of its cells. */
  cells: number;
}

/**
 * A vitest, isolated from any vitest or vite configuration of the project. Its own signal handlers exit the process
 * while guests still run, so they are taken out: signals belong to the caller, who aborts.
 */
async function withVitest<T>(options: VitestOptions, use: (vitest: Vitest) => Promise<T>): Promise<T> {
  const { files, context, byPath, cells, reporter, workers, bail, signal, scratch } = options;
  signal.throwIfAborted();
  const root = commonFolder(files);
  const before = { SIGINT: process.listeners('SIGINT'), SIGTERM: process.listeners('SIGTERM') };
  const temporary = process.env.TMPDIR;
  process.env.TMPDIR = scratch;
  const vitest = await createVitest(
    'test',
    {
      root,
      config: false,
      watch: false,
      include: files.map((path) => escapeGlob(relative(root, path))),
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
      bail,
      // Cells wait for their guests inside of their tests: a limit here would keep others from ending.
      maxConcurrency: cells + 1,
      sequence: { sequencer: inOrderOf(files) },
      includeTaskLocation: true,
      provide: { gvm: context },
      server: { deps: { external: [/\/engine\/(?:worker|test)\.[jt]s$/] } },
    },
    // vitest takes vite's own options here; its type leaves out `configFile`, which keeps the project's files out.
    { configFile: false, logLevel: 'error', plugins: [suitePlugin(byPath), ownModules()] } as ViteUserConfig,
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
    signal.throwIfAborted();
    return await use(vitest);
  } finally {
    signal.removeEventListener('abort', cancel);
    await vitest.close();
    process.exitCode = exitCode;
  }
}

/** vitest would begin with the largest file. */
function inOrderOf(files: readonly string[]) {
  return class extends BaseSequencer {
    override async sort(specs: TestSpecification[]): Promise<TestSpecification[]> {
      return [...specs].sort((a, b) => files.indexOf(a.moduleId) - files.indexOf(b.moduleId));
    }
  };
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
