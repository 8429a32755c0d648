import type { z } from 'zod';
import type { Answer, Fact, FactRequest } from '../facts/index.ts';
import type { Channel } from '../guest/index.ts';
import type { BootRecord } from '../schema/index.ts';
import type { Expectations } from './matchers/expectations.ts';
import type { Compare, Matcher } from './matchers/matcher.ts';
import type { TestPoint } from './points/point.ts';
import type { TestVerdict } from './verdict.ts';

/** One thing that is not as declared; `path` leads from the declaration to the key that failed. */
export interface Finding {
  path: readonly (string | number)[];
  message: string;
  expected?: string;
  actual?: string;
}

/** The guest's power and cables, as far as whoever runs the test has a hand on them. Deadlines are not scaled yet. */
export interface GuestControl {
  /** Lets the guest reboot, or takes its power away and gives it back; resolves when it is ready again. */
  restart(how: 'reboot' | 'crash', options: { timeout?: number; signal: AbortSignal }): Promise<{ readyMs: number }>;
  /** Pulls the guest's network cables, or puts them back. */
  network(up: boolean, signal: AbortSignal): Promise<void>;
  /** Keeps the guest as it is, for `rollback` to go back to, and goes on in a fork of it. */
  milestone(signal: AbortSignal): Promise<void>;
  /** Throws the guest away and goes on from its last milestone. */
  rollback(signal: AbortSignal): Promise<void>;
}

/** The way into a guest. Without `start` no files go in or out. */
export type GuestChannel = Pick<Channel, 'exec'> & Partial<Pick<Channel, 'start'>>;

/** What a check that acts in the guest is given. */
export interface CheckContext {
  channel: GuestChannel;
  /** Undefined where the guest belongs to somebody else. */
  control: GuestControl | undefined;
  signal: AbortSignal;
  /** Factor for every duration: 1 on fast hardware. */
  scale: number;
  /** Milliseconds that are left of the test. */
  remaining(): number;
  compare: Compare;
  /** How the guest booted, as the host saw it; absent where no one watched. */
  boot?: BootRecord;
  /** The folder for what is brought out of the guest; undefined where nothing is kept. */
  output: string | undefined;
}

/** What a check that acts in the guest found. */
export interface CheckResult {
  findings: Finding[];
  commands: TestVerdict['commands'];
  /** A deadline of the check itself passed. */
  timedOut: boolean;
  /** Results of a program that tests for itself; each becomes a test of its own. */
  points?: TestPoint[];
}

interface CheckBase<D> {
  /** The key in a test. */
  name: string;
  description: string;
  /** The schema of one declaration. What each key alone cannot say is said by `contradiction`. */
  schema(expect: Expectations): z.ZodObject;
  /** The key that names what is checked. A declaration with nothing else asserts nothing and is an error … */
  subject?: string;
  /** … unless this says what it asserts all the same. */
  bare?: string;
  contradiction?(declaration: D): { path: readonly string[]; message: string } | undefined;
  /** The key whose bare value may stand for the whole declaration: `wait: 5s` for `wait: { for: 5s }`. */
  short?: string;
  /** It stands in `steps` only: it changes what the checks of a test would see. */
  step?: true;
  /** The key that names a file or folder of the host, which must lie in the suite's own folder. */
  hostFile?: string;
  /** It ends or cuts off whatever else uses the guest, so that a shared one cannot have it. */
  disruptive?: true;
  /** What is checked, for people: a path, the name of a service. */
  label(declaration: D): string | undefined;
}

/** A check that states facts and what is expected of them. Judging is pure. */
export interface FactCheck<D = Record<string, unknown>> extends CheckBase<D> {
  /** Keys that only a running guest can answer, with dots between the parts of a path and `*` for any part. */
  live?: readonly string[];
  /** `scale` is the factor for every duration. */
  requests(declaration: D, scale: number): FactRequest[];
  /** The answers come in the order of the requests. */
  judge(declaration: D, answers: readonly Answer[], compare: Compare): Finding[];
}

/** A check that needs more than facts. */
export interface ActiveCheck<D = Record<string, unknown>> extends CheckBase<D> {
  evaluate(declaration: D, context: CheckContext): Promise<CheckResult>;
}

/** One kind of check, as it stands in the registry. */
export type CheckKind = FactCheck | ActiveCheck;

/** What suites can say and how it is learned: passed to schema, compiler and evaluator; nothing reads a global. */
export interface Registry {
  checks: readonly CheckKind[];
  matchers: readonly Matcher[];
  facts: readonly Fact[];
}

/** The result of a step that did what it was told. */
export const done: CheckResult = { findings: [], commands: [], timedOut: false };

/** The findings for an answer without a value: what cannot be learned never counts as fulfilled. */
export function unlearned(answer: Answer | undefined): Finding[] {
  const why = answer?.diagnostics.join('; ') || 'the guest gave no answer';
  return [{ path: [], message: `could not be learned: ${why}` }];
}
