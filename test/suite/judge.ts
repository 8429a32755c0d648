import type { Answer } from '../../src/facts/index.ts';
import type { FactCheck } from '../../src/suite/check.ts';
import { builtins } from '../../src/suite/index.ts';
import { expectations } from '../../src/suite/matchers/expectations.ts';

export const expect_ = expectations(builtins.matchers);

/** What a check says of a fact's value, as `path: message`. */
export function judge(kind: string, declaration: object, value: unknown, diagnostics: string[] = []): string[] {
  const check = builtins.checks.find((c) => c.name === kind) as FactCheck;
  const parsed = check.schema(expect_).parse(declaration);
  const answer: Answer = { value, diagnostics };
  return check.judge(parsed, [answer], expect_.compare).map((f) => `${f.path.join('.')}: ${f.message}`);
}
