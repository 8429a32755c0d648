import type { z } from 'zod';
import type { Answer, Fact, FactRequest } from '../facts/index.ts';
import type { Channel } from '../guest/index.ts';
import type { BootRecord } from '../schema/index.ts';
import type { Expectations } from './matchers/expectations.ts';
import type { Compare, Matcher } from './matchers/matcher.ts';
import type { TestVerdict } from './verdict.ts';

/** One thing that is not as declared; `path` leads from the declaration to the key that failed. */
export interface Finding {
  path: readonly (string | number)[];
  message: string;
  expected?: string;
  actual?: string;
}

/** What a check that acts in the guest is given. */
export interface CheckContext {
  channel: Pick<Channel, 'exec'>;
  signal: AbortSignal;
  /** Factor for every duration: 1 on fast hardware. */
  scale: number;
  /** Milliseconds that are left of the test. */
  remaining(): number;
  compare: Compare;
  /** How the guest booted, as the host saw it; absent where no one watched. */
  boot?: BootRecord;
}

/** What a check that acts in the guest found. */
export interface CheckResult {
  findings: Finding[];
  commands: TestVerdict['commands'];
  /** A deadline of the check itself passed. */
  timedOut: boolean;
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
  /** What is checked, for people: a path, the name of a service. */
  label(declaration: D): string | undefined;
}

/** A check that states facts and what is expected of them. Judging is pure. */
export interface FactCheck<D = Record<string, unknown>> extends CheckBase<D> {
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

/** The findings for an answer without a value: what cannot be learned never counts as fulfilled. */
export function unlearned(answer: Answer | undefined): Finding[] {
  const why = answer?.diagnostics.join('; ') || 'the guest gave no answer';
  return [{ path: [], message: `could not be learned: ${why}` }];
}
