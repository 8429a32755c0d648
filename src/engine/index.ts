export { planScripts } from './collect.ts';
export { type RunSuitesOptions, runSuites } from './run.ts';
export { findSuiteFiles, isScript, type Selection, selectTests } from './select.ts';
