import { catalogue, exitCodeOf as classOf, type ErrorCode } from '../errors/index.ts';
import type { RunError, RunRecord } from '../schema/index.ts';

/** Several causes at once: the first of these that applies (design §4); 70 is a defect of gvm. */
const PRIORITY = [2, 1, 3, 4, 70] as const;

const SIGNAL_CODE = { SIGINT: 130, SIGTERM: 143 } as const;

export interface ExitOptions {
  /** A run in which every check was skipped is fine. */
  passWithNoChecks?: boolean;
  /** A test that passed only when it was tried again counts as failed. */
  failOnFlaky?: boolean;
}

/** The exit code that a run's outcomes ask for. Pure. */
export function exitCodeOf(
  run: Pick<RunRecord, 'suites' | 'guests' | 'errors' | 'interrupted'>,
  options: ExitOptions = {},
): number {
  if (run.interrupted) return SIGNAL_CODE[run.interrupted];
  const tests = run.suites.flatMap((suite) => suite.tests);
  const codes = new Set<number>(run.errors.map(codeOfError));
  for (const test of tests) {
    if (test.outcome === 'error') codes.add(test.error ? codeOfError(test.error) : 3);
    else if (['failed', 'xpassed', 'timeout'].includes(test.outcome)) codes.add(1);
    else if (test.outcome === 'flaky' && options.failOnFlaky) codes.add(1);
  }
  for (const guest of run.guests) {
    if (guest.health.some((finding) => finding.allowed === undefined)) codes.add(1);
    // What a retry replaced is told by the tests that it was for.
    if (!guest.replaced && (guest.boot.outcome === 'failed' || guest.boot.outcome === 'timeout'))
      codes.add(guest.boot.blame === 'host' ? 4 : 3);
  }
  const first = PRIORITY.find((code) => codes.has(code));
  if (first !== undefined) return first;
  const nothingRan = tests.every((test) => test.outcome === 'skipped' || test.role !== undefined);
  return nothingRan && !options.passWithNoChecks ? 2 : 0;
}

/** An error whose code no catalogue of ours has counts as one of the guest. */
function codeOfError({ code, blame }: RunError): number {
  return classOf(code in catalogue ? (code as ErrorCode) : 'guest-lost', blame);
}
