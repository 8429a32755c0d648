export { expandCells } from './cells.ts';
export { changedTests } from './changes.ts';
export {
  type ActiveCheck,
  type CheckKind,
  type FactCheck,
  type Finding,
  type GuestControl,
  type Registry,
  unlearned,
} from './check.ts';
export { judgeKeys } from './checks/keys.ts';
export { compileSuite, refuseSameNames, schemaSources } from './compile.ts';
export type { GuestPlace } from './conditions.ts';
export { runTest } from './evaluate.ts';
export { gossSuffixes } from './goss/compile.ts';
export { askHealth, judgeHealth } from './health.ts';
export { type LearnOptions, type Learnt, learn } from './learn/learn.ts';
export { readWanted } from './learn/wanted.ts';
export { writeLearnt } from './learn/write.ts';
export { loadSuite } from './load.ts';
export { looseTest } from './loose.ts';
export type { Expectations } from './matchers/expectations.ts';
export type { Matcher } from './matchers/matcher.ts';
export { runTestOffline } from './offline.ts';
export { longestFirst, shuffled } from './order.ts';
export { hasMilestones, type PlannedTest, type SuitePlan } from './plan.ts';
export type { TestPoint } from './points/point.ts';
export { builtins } from './registry.ts';
export { digestOf, type Shard, shardOf, type Timings } from './shard.ts';
export { valueMismatches } from './values.ts';
export type { TestVerdict } from './verdict.ts';
