import type { GuestRecord, Outcome, RunRecord, TestRecord } from '../schema/index.ts';
import { errorText, expiryOf, placeOf, troubleMessage, troubleText } from './wording.ts';

/** One line of a flat report: a test, the boot or the health of a guest, or trouble of the run itself. */
export interface Case {
  name: string;
  outcome: Outcome;
  ms: number;
  /** One line: why it is not fine, or why it was skipped. */
  message?: string;
  /** All that is known of it. */
  text?: string;
  position?: TestRecord['position'];
  guest?: string;
}

export interface CaseGroup {
  name: string;
  cases: Case[];
}

/** A run as groups of cases: its suites, its guests, the run itself where something went wrong outside of both. */
export function casesOf(run: Pick<RunRecord, 'suites' | 'guests' | 'errors'>): CaseGroup[] {
  const groups = run.suites.map((suite) => ({ name: suite.name, cases: suite.tests.map(testCase) }));
  if (run.guests.length > 0) groups.push({ name: 'guests', cases: run.guests.flatMap(guestCases) });
  if (run.errors.length > 0) {
    const cases = run.errors.map((error): Case => {
      return { name: error.code, outcome: 'error', ms: 0, message: error.message, text: errorText(error) };
    });
    groups.push({ name: 'run', cases });
  }
  return groups;
}

function testCase(test: TestRecord): Case {
  const { name, outcome, durationMs, position, guest, reason } = test;
  const fine = outcome === 'passed' || outcome === 'flaky';
  return {
    name,
    outcome,
    ms: durationMs,
    position,
    ...(guest === undefined ? {} : { guest }),
    ...(outcome === 'skipped' || outcome === 'xfailed'
      ? { message: reason ?? outcome }
      : fine
        ? {}
        : { message: troubleMessage(test), text: troubleText(test) }),
  };
}

function guestCases(guest: GuestRecord): Case[] {
  const { boot, name } = guest;
  const ms = boot.readyMs ?? boot.sshMs ?? boot.stages.at(-1)?.atMs ?? 0;
  const booted: Case = { name: `${name} boots`, outcome: 'passed', ms, guest: name };
  if (boot.outcome === 'failed' || boot.outcome === 'timeout') {
    const message = boot.message || boot.cause || boot.outcome;
    const stage = `${placeOfBoot(guest)}, blame: ${boot.blame ?? 'unknown'}`;
    Object.assign(booted, { outcome: 'error', message, text: [message, stage, ...(boot.evidence ?? [])].join('\n') });
  } else if (boot.outcome === 'cancelled') Object.assign(booted, { outcome: 'skipped', message: 'cancelled' });
  const open = guest.health.filter((finding) => finding.allowed === undefined);
  const healthy: Case = { name: `${name} is healthy`, outcome: 'passed', ms: 0, guest: name };
  if (open.length > 0) {
    const lines = open.map((finding) => `${finding.kind}: ${finding.message}${expiryOf(finding)}`);
    Object.assign(healthy, { outcome: 'failed', message: lines.join('; '), text: lines.join('\n') });
  }
  return [booted, healthy];
}

/** Where a boot ended: its stage and the cause. */
export function placeOfBoot({ boot }: GuestRecord): string {
  return [`stage: ${boot.stage ?? 'unknown'}`, ...(boot.cause === undefined ? [] : [`cause: ${boot.cause}`])].join(
    ', ',
  );
}

/** Whether a case makes a run fail. */
export function isTrouble({ outcome }: Pick<Case, 'outcome'>): boolean {
  return outcome === 'failed' || outcome === 'xpassed' || outcome === 'error' || outcome === 'timeout';
}

/** `file:line:column` of a case that has one. */
export function placeOfCase({ position }: Case): string | undefined {
  return position && placeOf(position);
}
