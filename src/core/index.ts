export { monotonic, pause } from './clock.ts';
export { type Deferred, deferred } from './deferred.ts';
export { ReleaseStack } from './dispose.ts';
export { clip, printable, shellQuote, stripAnsi } from './escape.ts';
export { createLog, type Log, silentLog } from './log.ts';
export { nearest } from './nearest.ts';
export { formatDuration, formatSize, parseDuration, parseSize } from './quantity.ts';
export { AsyncQueue } from './queue.ts';
export { within } from './within.ts';
