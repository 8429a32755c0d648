import type { Registry } from './check.ts';
import { expectations } from './matchers/expectations.ts';
import type { Mismatch, ValueKind } from './matchers/matcher.ts';

/**
 * Compares one value with an expectation as it stands in a suite.
 * @throws TypeError for an expectation that no suite could have
 */
export function valueMismatches(registry: Registry, kind: ValueKind, actual: unknown, expected: unknown): Mismatch[] {
  const { compare, ...schemas } = expectations(registry.matchers);
  const parsed = schemas[kind].safeParse(expected);
  if (!parsed.success) throw new TypeError(`no expectation: ${parsed.error.issues[0]?.message ?? 'bad value'}`);
  return compare(kind, actual, parsed.data);
}
