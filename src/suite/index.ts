export type { CheckKind, Finding, Registry } from './check.ts';
export { compileSuite, refuseSameNames, schemaSources } from './compile.ts';
export { type RunTestOptions, runTest } from './evaluate.ts';
export {
  askHealth,
  type HealthFacts,
  type HealthOptions,
  judgeHealth,
  uncovered,
} from './health.ts';
export { loadSuite } from './load.ts';
export type { Eventually, PlannedCheck, PlannedTest, Position, SuitePlan } from './plan.ts';
export { builtins } from './registry.ts';
export type { TestVerdict } from './verdict.ts';
