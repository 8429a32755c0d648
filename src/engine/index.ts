export type { AdmissionLimits } from './admission.ts';
export { planScripts } from './collect.ts';
export { type OfflineImage, type RunOfflineOptions, runOffline } from './offline.ts';
export { type RunSuitesOptions, runSuites } from './run.ts';
export { findSuiteFiles, isScript, type Selection, selectTests } from './select.ts';
