import type { Attempt, Failure, RunError, TestRecord } from '../schema/index.ts';
import type { TestPoint } from './points/point.ts';

/** What became of one test. The engine adds the guest, the start and the retries to make it a `TestRecord`. */
export interface TestVerdict {
  outcome: 'passed' | 'failed' | 'error' | 'timeout' | 'skipped' | 'xfailed' | 'xpassed';
  failures: Failure[];
  /** Failures that an `xfail` covers. */
  known?: Failure[];
  /** Checks of it that were not run. */
  skippedChecks?: NonNullable<TestRecord['skippedChecks']>;
  /** Why it was skipped, or is known to fail. */
  reason?: string;
  error?: RunError;
  durationMs: number;
  commands: TestRecord['commands'];
  diagnostics: string[];
  /** Results of programs that it ran, each a test of its own in the record. */
  points?: TestPoint[];
  /** The tries before this one. */
  attempts?: Attempt[];
  /** Those that the host has spoiled. */
  hostErrors?: Attempt[];
}
