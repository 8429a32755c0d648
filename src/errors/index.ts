export { catalogue, type ErrorCode } from './catalogue.ts';
export { GvmError, isGvmError, type SourcePosition } from './gvm-error.ts';
export { asGvmError, errorToJson, renderError } from './render.ts';
