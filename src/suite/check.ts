import type { z } from 'zod';
import type { Answer, Channel, Fact, FactRequest } from '../facts/index.ts';
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
  channel: Channel;
  signal: AbortSignal;
  /** Factor for every duration: 1 on fast hardware. */
  scale: number;
  /** Milliseconds that are left of the test. */
  remaining(): number;
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
  schema: z.ZodObject;
  /** The key that names what is checked; a check with nothing else is an error unless `bare` says otherwise. */
  subject?: string;
  /** Said where a check with nothing but its subject still asserts something. */
  bare?: string;
  /** What is checked, for people: a path, a service. */
  label(declaration: D): string;
}

/** A check that states facts and what is expected of them. */
export interface FactCheck<D = Record<string, unknown>> extends CheckBase<D> {
  requests(declaration: D): FactRequest[];
  judge(declaration: D, answers: readonly Answer[]): Finding[];
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
  facts: readonly Fact[];
}
