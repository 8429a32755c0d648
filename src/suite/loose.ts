import { GvmError } from '../errors/index.ts';
import { checksSchema, type TestDocument } from '../schema/index.ts';
import type { Registry } from './check.ts';
import { schemaSources } from './compile.ts';
import type { PlannedTest } from './plan.ts';
import { planLoose } from './plan-tests.ts';

/**
 * A test of checks that stand in no suite file, written as there.
 * @param file the name that positions show
 * @throws GvmError `usage` for what is no check
 */
export function looseTest(checks: unknown, registry: Registry, file: string): PlannedTest {
  const parsed = checksSchema(schemaSources(registry).checks).safeParse({ name: 'checks', ...(checks as object) });
  if (parsed.success) return planLoose(parsed.data as TestDocument, registry, file);
  const issue = parsed.error.issues[0];
  const where = issue?.path.map(String).join('.');
  throw new GvmError({
    code: 'usage',
    message: `no check: ${where ? `${where}: ` : ''}${issue?.message ?? 'bad value'}`,
  });
}
