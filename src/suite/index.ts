export type { CheckKind, Finding, Registry } from './check.ts';
export type { Eventually, PlannedCheck, PlannedTest, Position, SuitePlan } from './plan.ts';
export type { TestVerdict } from './verdict.ts';
