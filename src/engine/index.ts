export { type RunSuitesOptions, runSuites } from './run.ts';
export { findSuiteFiles, type Selection, selectTests } from './select.ts';
