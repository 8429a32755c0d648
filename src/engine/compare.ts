import { builtins, type Registry, valueMismatches } from '../suite/index.ts';

type Kind = Parameters<typeof valueMismatches>[1];

/** Compares a value with an expectation of a YAML suite. @throws TypeError where the value has no matchers */
export function compareValue(actual: unknown, expected: unknown, registry: Registry = builtins) {
  return valueMismatches(registry, kindOf(actual), actual, expected);
}

function kindOf(value: unknown): Kind {
  if (typeof value === 'number') return 'number';
  if (typeof value === 'string') return value.includes('\n') ? 'text' : 'string';
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return 'list';
  throw new TypeError('toMeet compares text, numbers and lists of text');
}
