import { expect, test } from 'vitest';
import type { TestCase } from 'vitest/node';
import { ReportBridge } from '../../src/engine/bridge.ts';
import { builtins, compileSuite } from '../../src/suite/index.ts';

const plan = compileSuite(
  'suite: s\ntests:\n  - { name: a, command: { run: x } }\n  - { name: b, command: { run: x } }\n',
  's.gvm.yaml',
  builtins,
);

/** What vitest says of a test that brought no verdict. */
function caseOf(index: number, state: string): TestCase {
  const gvm = { id: plan.tests[index]?.id };
  return { meta: () => ({ gvm }), result: () => ({ state, errors: undefined }) } as unknown as TestCase;
}

test('a test that was called off before it began is skipped, one that ended without a verdict is an error', () => {
  const bridge = new ReportBridge([plan], { testStarted: () => {}, testEnded: () => {} });
  bridge.onTestCaseResult(caseOf(0, 'failed'));
  bridge.onTestCaseResult(caseOf(1, 'pending'));
  const [first, second] = bridge.suites('enough tests had failed (--bail)')[0]?.tests ?? [];
  expect(first).toMatchObject({ outcome: 'error', error: { code: 'internal' } });
  expect(second).toMatchObject({ outcome: 'skipped', reason: 'enough tests had failed (--bail)' });
});
