export { rememberInspection } from './cache.ts';
export { inspectImage, inspectSystem } from './inspect.ts';
export { type DeathScene, examineDisk, type PostMortem } from './post-mortem.ts';
export { sections } from './registry.ts';
export type { Inspection } from './schema.ts';
export type { Row, Stage } from './section.ts';
