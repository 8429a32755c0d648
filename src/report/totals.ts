import type { GuestRecord, SuiteRecord, TestRecord, Totals } from '../schema/index.ts';

/** Counts of a run. */
export function totalsOf(suites: readonly SuiteRecord[], guests: readonly GuestRecord[]): Totals {
  const totals: Totals = {
    tests: 0,
    passed: 0,
    failed: 0,
    flaky: 0,
    error: 0,
    timeout: 0,
    skipped: 0,
    xfailed: 0,
    xpassed: 0,
    health: guests.flatMap((guest) => guest.health).filter((finding) => finding.allowed === undefined).length,
  };
  // A setup or teardown is no test; only one that went wrong is counted.
  const silent = ({ role, outcome }: TestRecord) =>
    role !== undefined && (outcome === 'passed' || outcome === 'skipped');
  for (const test of suites.flatMap((suite) => suite.tests).filter((t) => !silent(t))) {
    totals.tests += 1;
    totals[test.outcome] += 1;
  }
  return totals;
}
