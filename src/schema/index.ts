export { type CheckpointManifest, checkpointSchema } from './checkpoint.ts';
export { type DocumentPath, type LoadedDocument, loadDocument, type Prepared } from './document.ts';
export { documentSchemas, type SchemaSources, toJsonSchema } from './emit.ts';
export {
  type AcceleratorProof,
  type AcceleratorVerdict,
  acceleratorProofSchema,
  type BuilderState,
  type Finding,
  type HostReport,
  hostReportSchema,
  type ToolState,
} from './host.ts';
export type { Identity } from './identity.ts';
export {
  type DiskKeys,
  type Firmware,
  type MachineKeys,
  machineSchema,
  type NetworkKeys,
  type ResolvedLogin,
  type ResolvedMachine,
} from './machine.ts';
export { type MatrixAxis, type MatrixKeys, matrixAxes, matrixSchema } from './matrix.ts';
export { type Allowance, type Project, projectSchema } from './project.ts';
export { extendingSchema, type Recipe, type RecipePartition, recipeOver, recipeSchema } from './recipe.ts';
export {
  type Attempt,
  type Blame,
  type BootRecord,
  type DiskRecord,
  type Failure,
  type GuestRecord,
  type HealthFinding,
  type Outcome,
  type RebootRecord,
  type RunError,
  type RunRecord,
  type RunReference,
  runSchema,
  type Stage,
  type SuiteRecord,
  type TestRecord,
  type Totals,
} from './run.ts';
export { duration, size } from './scalar.ts';
export { type SuiteKeys, scriptSchema } from './script.ts';
export { type Shards, shardsSchema } from './shards.ts';
export {
  type PackageList,
  packageListSchema,
  type RecordedPackage,
  type StoredImageManifest,
  storedImageSchema,
} from './stored-image.ts';
export { type StoredKernelManifest, storedKernelSchema } from './stored-kernel.ts';
export { type ChannelKey, type SuiteDocument, suiteSchema } from './suite.ts';
export {
  type ConditionsDocument,
  checksSchema,
  conditionKeys,
  type NeedsDocument,
  type StepDocument,
  type TestDocument,
} from './test.ts';
export { writeDocument } from './write.ts';
