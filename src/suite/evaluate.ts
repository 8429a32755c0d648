import { monotonic } from '../core/index.ts';
import { asGvmError, isGvmError } from '../errors/index.ts';
import type { BootRecord, RunError } from '../schema/index.ts';
import type { GuestChannel, GuestControl, Registry } from './check.ts';
import { type GuestPlace, whyNot } from './conditions.ts';
import type { PlannedTest } from './plan.ts';
import { TestRun } from './test-run.ts';
import type { TestVerdict } from './verdict.ts';
import { judgeTest } from './xfail.ts';

export interface RunTestOptions {
  /** The way into the guest. */
  channel: GuestChannel;
  /** The folder for what is brought out of the guest. */
  output?: string;
  registry: Registry;
  /** Ends the test; `runTest` then rejects with its reason. */
  signal: AbortSignal;
  /** Factor for every duration: 1 on fast hardware. */
  scale: number;
  /** How the guest booted, as the host saw it. */
  boot?: BootRecord;
  /** What `needs` is held against. */
  place: GuestPlace;
  /** A hand on the guest's power and cables; without one the steps that need it are errors. */
  control?: GuestControl;
  /** The day by which `until` is judged. Default: now. */
  today?: Date;
}

/**
 * Runs one test, step by step: the facts of all checks of a step are one snapshot taken in one round trip, then its
 * commands run in the order written. Within a step a failing check stops no other, and every failure is reported; a
 * step that failed ends the test. Checks with `eventually` that do not hold are asked again, each until its deadline.
 * @returns the verdict; trouble with the channel is an `error` of it
 * @throws only the signal's reason
 */
export async function runTest(test: PlannedTest, options: RunTestOptions): Promise<TestVerdict> {
  const started = monotonic();
  const deadline = started + test.timeout * options.scale;
  const run = new TestRun(test, options, deadline);
  const verdict: TestVerdict = { outcome: 'passed', failures: [], durationMs: 0, commands: [], diagnostics: [] };
  try {
    const reason = await whyNot(test, run.conditionContext());
    if (reason !== undefined) return { ...verdict, outcome: 'skipped', reason, durationMs: monotonic() - started };
    await run.all();
  } catch (error) {
    options.signal.throwIfAborted();
    verdict.error = errorOf(error);
  }
  const points = run.trials.flatMap((trial) => trial.points ?? []);
  if (points.length > 0) verdict.points = points;
  verdict.commands = run.commands;
  verdict.diagnostics = [...run.diagnostics];
  verdict.durationMs = monotonic() - started;
  return judgeTest(test, run.trials, verdict, options.today ?? new Date());
}

/** Trouble as a verdict keeps it. */
export function errorOf(error: unknown): RunError {
  const { code, message, hint, exitCode } = asGvmError(error);
  const blame =
    !isGvmError(error) || exitCode === 70 ? 'unknown' : exitCode === 4 && code !== 'deadline' ? 'host' : 'guest';
  return { code, message, blame, ...(hint === undefined ? {} : { hint }) };
}
