import type { Failure, RunError, TestRecord } from '../schema/index.ts';

/** What became of one test. The engine adds the guest, the start and the retries to make it a `TestRecord`. */
export interface TestVerdict {
  outcome: 'passed' | 'failed' | 'error' | 'timeout' | 'skipped';
  failures: Failure[];
  /** Why it was skipped. */
  reason?: string;
  error?: RunError;
  durationMs: number;
  commands: TestRecord['commands'];
  diagnostics: string[];
}
