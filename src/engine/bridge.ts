import type { Reporter, TestCase } from 'vitest/node';
import { isTrouble } from '../report/index.ts';
import type { SuiteRecord, TestRecord } from '../schema/index.ts';
import type { PlannedTest, SuitePlan } from '../suite/index.ts';
import { pointRecords } from './points.ts';

export interface BridgeEvents {
  testStarted(plan: SuitePlan, test: PlannedTest): void;
  testEnded(plan: SuitePlan, record: TestRecord): void;
}

/**
 * Collects what vitest reports and gives it back in the words of the run manifest, in the order of the plan. A test
 * that never reported is an error or, where the run was interrupted, skipped with that reason.
 */
export class ReportBridge implements Reporter {
  readonly #records = new Map<string, TestRecord>();
  /** What programs reported that a test ran, each a test of its own behind it. */
  readonly #points = new Map<string, TestRecord[]>();
  readonly #started = new Map<string, string>();
  readonly #tests = new Map<string, { plan: SuitePlan; test: PlannedTest }>();
  readonly #plans: readonly SuitePlan[];
  readonly #events: BridgeEvents;
  /** What went wrong outside of any test, in vitest or in a worker. */
  readonly errors: string[] = [];

  constructor(plans: readonly SuitePlan[], events: BridgeEvents) {
    this.#plans = plans;
    this.#events = events;
    for (const plan of plans) for (const test of plan.tests) this.#tests.set(test.id, { plan, test });
  }

  onTestCaseReady(testCase: TestCase): void {
    const planned = this.#find(testCase);
    if (!planned) return;
    this.#started.set(planned.test.id, new Date().toISOString());
    this.#events.testStarted(planned.plan, planned.test);
  }

  onTestCaseResult(testCase: TestCase): void {
    const planned = this.#find(testCase);
    if (!planned) return;
    const { plan, test } = planned;
    const key = test.id;
    const { state, errors } = testCase.result();
    const meta = testCase.meta().gvm;
    const record = recordOf(test, this.#started.get(key));
    if (meta?.verdict) {
      const { verdict, guest } = meta;
      const { points = [], ...own } = verdict;
      Object.assign(record, own, guest === undefined ? {} : { guest });
      record.retries = own.attempts?.length ?? 0;
      if (record.outcome === 'passed' && record.retries > 0) record.outcome = 'flaky';
      if (points.length > 0) this.#points.set(key, pointRecords(record, points));
      if (state === 'failed') placeFailures(record, test, testCase);
    } else if (state === 'passed' || state === 'failed') {
      record.outcome = 'error';
      record.error = {
        code: 'internal',
        message: errors?.[0]?.message ?? 'the test ended without a verdict',
        blame: 'unknown',
      };
    } else {
      // Skipped, or called off before it began.
      return;
    }
    this.#records.set(key, record);
    this.#events.testEnded(plan, record);
  }

  onTestRunEnd(_modules: unknown, errors: readonly { message: string }[]): void {
    this.errors.push(...errors.map((error) => error.message));
  }

  /** All suites with all their tests; `interrupted` says why those are missing that never ran. */
  suites(interrupted: string | undefined): SuiteRecord[] {
    return this.#plans.map((plan) => ({
      file: plan.file,
      name: plan.name,
      sha256: plan.sha256,
      ...cellOf(plan),
      tests: plan.tests.flatMap((test) => [
        this.#records.get(test.id) ?? missing(test, interrupted),
        ...(this.#points.get(test.id) ?? []),
      ]),
    }));
  }

  /** How many tests went wrong. */
  get failed(): number {
    return [...this.#records.values()].filter(isTrouble).length;
  }

  #find(testCase: TestCase): { plan: SuitePlan; test: PlannedTest } | undefined {
    const id = testCase.meta().gvm?.id;
    return id === undefined ? undefined : this.#tests.get(id);
  }
}

/** The cell of a matrix that a plan runs in, as its record says it. */
export function cellOf({ cell, name }: SuitePlan): Pick<SuiteRecord, 'cell'> {
  if (!cell?.name) return {};
  return { cell: { name: cell.name, suite: name.slice(0, -` [${cell.name}]`.length), values: { ...cell.values } } };
}

/** The record of a test before anything became of it. */
export function recordOf(test: PlannedTest, started: string | undefined): TestRecord {
  return {
    id: test.id,
    name: test.name,
    ...(test.role === undefined ? {} : { role: test.role }),
    tags: test.tags,
    position: test.position,
    outcome: 'skipped',
    ...(started === undefined ? {} : { started }),
    durationMs: 0,
    failures: [],
    commands: [],
    diagnostics: [],
    retries: 0,
  };
}

/** Of a suite in TypeScript: what failed says by its stack where; what `expect.soft` found has no verdict of its own. */
function placeFailures(record: TestRecord, test: PlannedTest, testCase: TestCase): void {
  if (test.steps.length > 0) return;
  const { file } = test.position;
  const { errors = [] } = testCase.result();
  const [frame] = errors.flatMap(({ stacks }) => stacks ?? []).filter((f) => f.file === testCase.module.moduleId);
  const position = frame ? { file, line: frame.line, column: frame.column } : test.position;
  if (record.outcome === 'passed') {
    record.outcome = 'failed';
    record.failures = errors.map(({ message }) => ({ check: 'expect', path: [], message }));
  }
  record.failures = record.failures.map((failure) => ({ position, ...failure }));
}

function missing(test: PlannedTest, interrupted: string | undefined): TestRecord {
  const record = recordOf(test, undefined);
  if (interrupted) return { ...record, reason: interrupted };
  return {
    ...record,
    outcome: 'error',
    error: { code: 'internal', message: 'the test runner ended before this test', blame: 'unknown' },
  };
}
