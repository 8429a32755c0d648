export {
  environmentLayers,
  fileLayer,
  type LayeredMachine,
  layerMachine,
  type MachineLayer,
  machineLayer,
  selectAccelerator,
} from './machine.ts';
export { findProject } from './project.ts';
export { resolveSettings, type Settings } from './settings.ts';
export { openStateFolders, type StateFolders } from './state.ts';
