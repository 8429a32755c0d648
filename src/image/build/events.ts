/** What a build tells while it runs; the command line renders it. */
export type BuildEvent =
  | { type: 'stage'; stage: BuildStage; detail: string }
  | { type: 'output'; line: string }
  | { type: 'done'; stage: BuildStage; ms: number };

export type BuildStage = 'packages' | 'root' | 'kernel' | 'file-systems' | 'disk' | 'store';

export interface BuildContext {
  /** Folder for what is made on the way; empty at the start and removed by who made it. */
  work: string;
  /** Folder of downloaded packages, named by their digest. */
  packageCache: string;
  onEvent: (event: BuildEvent) => void;
  signal?: AbortSignal | undefined;
}

/** Runs one stage and reports its begin, its end and its time. */
export async function stage<T>(
  context: BuildContext,
  name: BuildStage,
  detail: string,
  work: () => Promise<T>,
): Promise<T> {
  context.signal?.throwIfAborted();
  context.onEvent({ type: 'stage', stage: name, detail });
  const started = performance.now();
  const result = await work();
  context.onEvent({ type: 'done', stage: name, ms: Math.round(performance.now() - started) });
  return result;
}
