export { catalogue, type ErrorCode, exitCodeOf } from './catalogue.ts';
export { GvmError, isGvmError, type SourcePosition } from './gvm-error.ts';
export { asGvmError, errorToJson, renderError } from './render.ts';
