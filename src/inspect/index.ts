export { rememberInspection } from './cache.ts';
export { type Inspection, inspectImage, inspectionSchema } from './inspect.ts';
export { type DeathScene, examineDisk, type PostMortem } from './post-mortem.ts';
export { sections } from './registry.ts';
export type { Row } from './section.ts';
