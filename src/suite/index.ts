export { expandCells } from './cells.ts';
export type { Registry } from './check.ts';
export { compileSuite, refuseSameNames, schemaSources } from './compile.ts';
export { runTest } from './evaluate.ts';
export { askHealth, judgeHealth } from './health.ts';
export { loadSuite } from './load.ts';
export type { PlannedTest, SuitePlan } from './plan.ts';
export { builtins } from './registry.ts';
export type { TestVerdict } from './verdict.ts';
