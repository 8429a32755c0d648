import type { Failure } from '../schema/index.ts';
import { stillKnown, xfailText } from './conditions.ts';
import { failureOf, positionOf } from './failure.ts';
import type { PlannedTest, Xfail } from './plan.ts';
import type { Trial } from './test-run.ts';
import type { TestVerdict } from './verdict.ts';

// Makes a verdict of what the checks of a test came to: what is known to fail does not count, and what is known to
// fail and holds does. An error (the guest died, the channel broke) is never what was known.

/** The verdict with outcome, failures and reason filled in. Pure. */
export function judgeTest(test: PlannedTest, trials: readonly Trial[], verdict: TestVerdict, today: Date): TestVerdict {
  const failures: Failure[] = [];
  const known: Failure[] = [];
  const surprises: Failure[] = [];
  const reasons: string[] = [];
  let timedOut = false;
  for (const trial of trials) {
    const { check, findings, kind, tries } = trial;
    const { xfail } = check;
    const counts = xfail === undefined || !stillKnown(xfail, today);
    const own = findings.map((finding) => failureOf(test, check, kind, finding, tries));
    if (counts) {
      failures.push(...own.map((failure) => expired(failure, xfail)));
      timedOut ||= trial.timedOut;
    } else if (own.length > 0) {
      known.push(...own);
      reasons.push(xfailText(xfail));
    } else if (tries > 0) surprises.push(surprise(test, [...check.path, 'xfail'], check.kind, xfail));
  }
  const skippedChecks = trials.flatMap(({ check, kind, skipped }) => {
    if (skipped === undefined) return [];
    const subject = kind.label(check.declaration);
    const position = positionOf(test, check.path);
    return [{ check: check.kind, ...(subject === undefined ? {} : { subject }), position, reason: skipped }];
  });
  const judged: TestVerdict = {
    ...verdict,
    failures: [...failures, ...surprises],
    ...(known.length === 0 ? {} : { known }),
    ...(skippedChecks.length === 0 ? {} : { skippedChecks }),
  };
  if (judged.error) return { ...judged, outcome: judged.error.code === 'deadline' ? 'timeout' : 'error' };
  if (timedOut) judged.outcome = 'timeout';
  else if (failures.length > 0) judged.outcome = 'failed';
  else if (surprises.length > 0) judged.outcome = 'xpassed';
  else if (known.length > 0) Object.assign(judged, { outcome: 'xfailed', reason: [...new Set(reasons)].join('; ') });
  else if (skippedChecks.length > 0 && skippedChecks.length === trials.length) {
    const all = new Set(skippedChecks.map(({ reason }) => reason));
    Object.assign(judged, { outcome: 'skipped', reason: [...all].join('; ') });
  }
  return test.xfail === undefined ? judged : judgeWhole(test, test.xfail, judged, today);
}

/** The same for an `xfail` of the test as a whole. */
function judgeWhole(test: PlannedTest, xfail: Xfail, verdict: TestVerdict, today: Date): TestVerdict {
  const { outcome, failures, known = [] } = verdict;
  if (!stillKnown(xfail, today)) return { ...verdict, failures: failures.map((failure) => expired(failure, xfail)) };
  if (outcome === 'failed' || outcome === 'timeout')
    return { ...verdict, outcome: 'xfailed', reason: xfailText(xfail), failures: [], known: [...known, ...failures] };
  if (outcome !== 'passed') return verdict;
  return { ...verdict, outcome: 'xpassed', failures: [surprise(test, [...test.path, 'xfail'], 'xfail', xfail)] };
}

function expired(failure: Failure, xfail: Xfail | undefined): Failure {
  if (xfail?.until === undefined) return failure;
  return { ...failure, message: `${failure.message} (its xfail ended on ${xfail.until}: ${xfailText(xfail)})` };
}

function surprise(test: PlannedTest, path: readonly (string | number)[], check: string, xfail: Xfail): Failure {
  const position = positionOf(test, path);
  const source = test.source[position.line];
  const message = `is known to fail (${xfailText(xfail)}), and holds: take the xfail out`;
  return { check, path: [...path], position, message, ...(source === undefined ? {} : { source }) };
}
