// The library: what the command line does, callable from TypeScript. Whatever must be released is AsyncDisposable.
export {
  environmentLayers,
  findProject,
  layerMachine,
  type MachineLayer,
  machineLayer,
  openStateFolders,
  resolveSettings,
  type Settings,
  type StateFolders,
} from './config/index.ts';
export { createLog, type Log, silentLog } from './core/index.ts';
export { type Disk, openDisk } from './disk/index.ts';
export { catalogue, type ErrorCode, GvmError, isGvmError, renderError } from './errors/index.ts';
export { type Channel, type CommandResult, openSsh, type SshAddress } from './guest/index.ts';
export { type AcceleratorChoice, chooseAccelerator, probeHost, proveAccelerators } from './host/index.ts';
export {
  type DescribeOptions,
  describeGuest,
  ensureImage,
  type ImageStore,
  listRecipes,
  loadRecipe,
  openStore,
  type StoredImage,
} from './image/index.ts';
export { type Inspection, inspectImage } from './inspect/index.ts';
export { type Guest, type GuestSpec, type Lab, openLab, runOwned } from './lab/index.ts';
export { chooseReporters, type Reporter, renderJunit, renderSummary, writeReports } from './report/index.ts';
export type { MachineKeys, ResolvedMachine, RunRecord } from './schema/index.ts';
export { builtins, loadSuite, type Registry, runTest, type SuitePlan, type TestVerdict } from './suite/index.ts';
