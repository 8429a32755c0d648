/** One result of a test program that ran in the guest; it becomes a test of its own in the report. */
export interface TestPoint {
  /** The names of what it stands in and its own, outermost first. */
  path: string[];
  outcome: 'passed' | 'failed' | 'skipped' | 'xfailed' | 'xpassed';
  /** Why it failed or was skipped. */
  message?: string;
  durationMs?: number;
}

/** What a test program reported, and what is wrong with the report itself. Never a report alone without its problems. */
export interface PointReport {
  points: TestPoint[];
  problems: string[];
}

export const MOST_POINTS = 10_000;
export const LONGEST_NAME = 300;
/** Characters of a report that are read. */
export const LONGEST_REPORT = 2 ** 20;
