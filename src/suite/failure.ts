import type { Failure } from '../schema/index.ts';
import type { CheckKind, Finding } from './check.ts';
import type { PlannedCheck, PlannedTest, Position } from './plan.ts';

/** A finding of a check as the run's record keeps it: with its place in the suite. */
export function failureOf(
  test: PlannedTest,
  check: PlannedCheck,
  kind: CheckKind,
  finding: Finding,
  tries: number,
): Failure {
  const path = [...check.path, ...finding.path];
  const subject = kind.label(check.declaration);
  const position = positionOf(test, path);
  const source = test.source[position.line];
  const again = tries > 1 ? ` (asked ${tries} times)` : '';
  return {
    check: check.kind,
    ...(subject === undefined ? {} : { subject }),
    path,
    position,
    message: `${finding.message}${again}`,
    ...(finding.expected === undefined ? {} : { expected: finding.expected }),
    ...(finding.actual === undefined ? {} : { actual: finding.actual }),
    ...(source === undefined ? {} : { source }),
  };
}

/** The place of a path, or of the nearest part around it that is written in the suite. */
export function positionOf(test: PlannedTest, path: readonly (string | number)[]): Position {
  for (let length = path.length; length > 0; length--) {
    const place = test.positions[JSON.stringify(path.slice(0, length))];
    if (place) return { file: test.position.file, line: place[0], column: place[1] };
  }
  return test.position;
}
