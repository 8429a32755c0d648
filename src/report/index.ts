export { exitCodeOf } from './exit-code.ts';
export { renderJson } from './json.ts';
export { renderJunit } from './junit.ts';
export { maskSecrets } from './mask.ts';
export { type ProgressEvent, renderProgress } from './progress.ts';
export { renderSummary } from './terminal.ts';
export { writeReports } from './write.ts';
