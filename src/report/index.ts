export { type ExitOptions, exitCodeOf } from './exit-code.ts';
export { renderJson } from './json.ts';
export { renderJunit } from './junit.ts';
export { maskSecrets } from './mask.ts';
export { type ProgressEvent, type ProgressOptions, renderProgress } from './progress.ts';
export { renderSummary, type SummaryOptions } from './terminal.ts';
export { type WriteOptions, writeReports } from './write.ts';
