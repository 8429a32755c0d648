import type { Log } from '../core/index.ts';
import type { Finding } from '../schema/index.ts';

export interface ProbeContext {
  log: Log;
  signal?: AbortSignal | undefined;
  /** Folder whose `etc`, `proc` and `usr` are looked at: `/`, or a copy of another host's. */
  root: string;
  /** Folder of gvm's caches. */
  cacheDir?: string | undefined;
}

/** What one probe learnt, and what a person should know of it. */
export interface Probed<T> {
  data: T;
  findings: Finding[];
}

export type Probe<T> = (context: ProbeContext) => Promise<Probed<T>>;
