import { asGvmError } from '../errors/index.ts';
import type { Guest, GuestKernel } from '../lab/index.ts';
import type { BootRecord, GuestRecord, SuiteRecord, TestRecord, Totals } from '../schema/index.ts';
import { toRunError } from './failure.ts';

/** The record of a guest that was asked for; what becomes of it is filled in. */
export function newRecord(name: string, image: string, cell?: string): GuestRecord {
  return {
    name,
    image: { name: image, digest: '' },
    machine: {},
    ...(cell ? { cell } : {}),
    argv: [],
    boot: { outcome: 'cancelled', stages: [] },
    health: [],
  };
}

/** What a ready guest adds to its record. */
export function readyBoot(guest: Guest): Partial<GuestRecord> {
  return { argv: [...guest.argv], boot: guest.boot };
}

/** What is recorded of a kernel that was brought along. */
export function givenKernel({ source, digest, release }: GuestKernel): NonNullable<GuestRecord['kernelGiven']> {
  return { source, digest, ...(release === undefined ? {} : { release }) };
}

/** What is known of a boot that died: stage, cause, blame and evidence stand in the error's details. */
export function failedBoot(thrown: unknown, signal: AbortSignal): BootRecord {
  if (signal.aborted) return { outcome: 'cancelled', stages: [] };
  const error = asGvmError(thrown);
  const { stage, cause, evidence, stages } = error.details as Partial<BootRecord>;
  return {
    outcome: error.code === 'boot-timeout' ? 'timeout' : 'failed',
    message: error.message,
    blame: toRunError(error).blame,
    ...(stage === undefined ? {} : { stage }),
    ...(cause === undefined ? {} : { cause }),
    ...(evidence === undefined ? {} : { evidence }),
    stages: stages ?? [],
  };
}

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
