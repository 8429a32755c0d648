export { type ModuleFiles, type ModuleIndex, moduleName, readModuleIndex } from './dep.ts';
export { type ResolvedModules, resolveModules } from './resolve.ts';
export { type RootBus, rootBuses, rootNeeds } from './root-needs.ts';
