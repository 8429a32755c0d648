export { type Inspection, inspectImage, inspectionSchema } from './inspect.ts';
export { sections } from './registry.ts';
export type { Row } from './section.ts';
