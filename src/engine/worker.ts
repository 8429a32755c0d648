// Runs inside vitest's workers: it holds connections, never a guest.
import { afterAll, describe, inject, test } from 'vitest';
import type { SuiteKeys } from '../schema/index.ts';
import type { PlannedTest, SuitePlan, TestVerdict } from '../suite/index.ts';
import { PlannedSession } from './planned-session.ts';

/** What a test says about itself to the main process. */
export interface TestMeta {
  id: string;
  /** Of a test in TypeScript: what its file says of it and of the suite. */
  script?: { suite: SuiteKeys; tags: string[]; timeout: number; skip: string | undefined };
  verdict?: TestVerdict;
  guest?: string;
}

/** A suite without its tests, and their ids in the order in which they run where that is not the order of their lines. */
export type DeclaredSuite = Omit<SuitePlan, 'tests'> & { order?: readonly string[] };

type Declare = (test: PlannedTest, ids: readonly (string | null)[]) => void;

/**
 * Declares a planned suite to vitest, once for each of its cells; the module that the plugin makes of a YAML file calls
 * it. Cells run beside one another, as far as their guests are let in; the tests of a cell one after the other.
 */
export function declareSuite(suites: readonly DeclaredSuite[], body: (declare: Declare) => void): void {
  for (const [index, suite] of suites.entries()) {
    const session = new PlannedSession(inject('gvm'), suite);
    describe.concurrent(suite.name, () => {
      const tests: PlannedTest[] = [];
      body((test, ids) => {
        const id = ids[index];
        if (typeof id !== 'string') return;
        if (suite.order) tests.push({ ...test, id });
        else declareTest({ ...test, id }, session);
      });
      tests.sort((a, b) => (suite.order?.indexOf(a.id) ?? 0) - (suite.order?.indexOf(b.id) ?? 0));
      for (const test of tests) declareTest(test, session);
      afterAll(() => session[Symbol.asyncDispose]());
    });
  }
}

function declareTest(planned: PlannedTest, session: PlannedSession): void {
  test.sequential(planned.name, { meta: { gvm: { id: planned.id } } }, async ({ task, signal, skip }) => {
    const { verdict, guest } = await session.run(planned, signal);
    task.meta.gvm = { id: planned.id, verdict, ...(guest === undefined ? {} : { guest }) };
    if (verdict.outcome === 'skipped') skip(verdict.reason);
    if (verdict.outcome !== 'passed') throw failureOf(planned, verdict);
  });
}

/** vitest's view of a verdict: its stack points at the YAML file. */
function failureOf(planned: PlannedTest, verdict: TestVerdict): Error {
  const [first] = verdict.failures;
  const error = new Error(first?.message ?? verdict.error?.message ?? verdict.outcome);
  const { file, line, column } = first?.position ?? planned.position;
  error.stack = `${error.name}: ${error.message}\n    at ${file}:${line}:${column}`;
  return error;
}
