export { collect } from './collect.ts';
export type { CrashedValue } from './crashed.ts';
export type { Answer, Fact, FactRequest } from './fact.ts';
export { type FileValue, fileTypes } from './file.ts';
export type { KernelValue } from './kernel.ts';
export {
  type ModuleFiles,
  type ModuleIndex,
  moduleName,
  type ResolvedModules,
  type RootBus,
  readModuleIndex,
  resolveModules,
  rootBuses,
  rootNeeds,
} from './modules/index.ts';
export type { MountValue } from './mount.ts';
export type { OpenrcValue } from './openrc.ts';
export type { PortValue } from './port.ts';
export type { ProcessValue } from './process.ts';
export { builtinFacts } from './registry.ts';
export type { ServiceValue } from './service.ts';
export type { UserValue } from './user.ts';
