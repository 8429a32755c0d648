import { realpath } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import { GvmError } from '../errors/index.ts';
import type { Registry } from './check.ts';
import { positionOf } from './failure.ts';
import type { PlannedCheck, PlannedTest, SuitePlan } from './plan.ts';

/**
 * The plan with all files of the host that it names as absolute paths. A suite is data: it reaches nothing outside its
 * own folder, and links are followed before that is judged.
 * @param folder the folder of the suite's file
 * @throws GvmError `file-missing`, `file-outside`, each with the place in the suite
 */
export async function resolveHostFiles(plan: SuitePlan, folder: string, registry: Registry): Promise<SuitePlan> {
  const keys = new Map(registry.checks.flatMap(({ name, hostFile }) => (hostFile ? [[name, hostFile] as const] : [])));
  const root = await realpath(folder);
  const resolveCheck = async (test: PlannedTest, check: PlannedCheck): Promise<PlannedCheck> => {
    const key = keys.get(check.kind);
    const name = key === undefined ? undefined : check.declaration[key];
    if (key === undefined || typeof name !== 'string') return check;
    const refuse = (code: 'file-missing' | 'file-outside', message: string, hint?: string) =>
      new GvmError({ code, message, hint, position: positionOf(test, [...check.path, key]) });
    const found = await realpath(resolve(root, name)).catch(() => undefined);
    if (found === undefined) throw refuse('file-missing', `there is no ${name} in the folder of the suite`);
    if (found !== root && !found.startsWith(`${root}${sep}`)) {
      const hint = 'copy it there, or use a *.gvm.ts suite, which is code';
      throw refuse('file-outside', `${name} is ${found}, outside of the folder of the suite`, hint);
    }
    return { ...check, declaration: { ...check.declaration, [key]: found } };
  };
  // One after the other: of several troubles the first one in the file is told.
  const tests: PlannedTest[] = [];
  for (const test of plan.tests) {
    const steps: PlannedCheck[][] = [];
    for (const step of test.steps) {
      const checks: PlannedCheck[] = [];
      for (const check of step) checks.push(await resolveCheck(test, check));
      steps.push(checks);
    }
    tests.push({ ...test, steps });
  }
  return { ...plan, tests };
}
