import { z } from 'zod';
import { duration, size } from './scalar.ts';

// What stands in the list `tests` of a suite, in `setup` and in `teardown` (design §5).

/** What the suite schema needs to know of a kind of check. */
export interface CheckSchema {
  name: string;
  description: string;
  schema: z.ZodObject;
  subject?: string | undefined;
  bare?: string | undefined;
  /** The key whose bare value may stand for the whole declaration. */
  short?: string | undefined;
  /** It stands in `steps` only. */
  step?: boolean | undefined;
  disruptive?: boolean | undefined;
  contradiction?: ((declaration: never) => { path: readonly string[]; message: string } | undefined) | undefined;
}

const tag = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'expected a tag of lower-case letters, digits, ".", "_" and "-"');
export const tags = z.array(tag).max(64);

const eventually = z
  .strictObject({
    within: duration.meta({ description: 'how long to ask again, before scaling' }),
    every: duration.optional().meta({ description: 'the pause between two questions; 1s where it is not given' }),
  })
  .meta({ id: 'Eventually', description: 'asks again until it holds' });

const tool = z.string().regex(/^[\w.+-]{1,64}$/, 'expected the name of a program');

export const needs = z
  .strictObject({
    arch: z.enum(['x86_64', 'aarch64']).optional(),
    memory: size.optional().meta({ description: 'at least this much memory of the guest' }),
    network: z.enum(['restricted', 'internet']).optional().meta({ description: 'a network, or one that leads out' }),
    kvm: z.literal(true).optional().meta({ description: 'the guest runs under KVM' }),
    tool: z
      .union([tool, z.array(tool).min(1)], { error: 'expected the name of a program, or a list of names' })
      .optional()
      .meta({ description: 'programs that the guest has' }),
  })
  .refine((value) => Object.keys(value).length > 0, 'needs nothing: give arch, memory, network, kvm or tool')
  .meta({ id: 'Needs', description: 'what must be there; skipped with the reason where it is not' });

const xfail = z
  .strictObject({
    reason: z.string().min(1),
    tracker: z.string().min(1).optional().meta({ description: 'where the defect is followed' }),
    until: z.iso.date().optional().meta({ description: 'after this day it no longer counts' }),
  })
  .meta({ id: 'Xfail', description: 'is known to fail: a failure does not count, and a success is one' });

/** What may stand on a test and on a check alike. */
const conditions = {
  eventually: eventually.optional().meta({ description: 'asks again until it holds' }),
  only_if: z.string().min(1).optional().meta({ description: 'a command in the guest; skipped unless it exits with 0' }),
  skip: z.string().min(1).optional().meta({ description: 'not run, for this reason' }),
  xfail: xfail.optional(),
  needs: needs.optional(),
};
export const conditionKeys = Object.keys(conditions);

const testKeys = {
  name: z
    .string()
    .min(1)
    .max(200)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to refuse
    .regex(/^[^\u0000-\u001f\u007f]*$/, 'the name of a test is one line'),
  tags: tags.optional(),
  timeout: duration
    .optional()
    .meta({ description: 'deadline of the whole test before scaling; 2m where it is not given' }),
  ...conditions,
};

const milestone = z
  .literal(true)
  .optional()
  .meta({ description: 'keeps the guest as the step leaves it, for `rollback` to go back to' });

const baseTest = z.strictObject({ ...testKeys, steps: z.array(z.record(z.string(), z.unknown())).optional() });
const baseConditions = z.strictObject(conditions);

/** Conditions of a test or of one check, as they are written. */
export type ConditionsDocument = z.output<typeof baseConditions>;
export type NeedsDocument = z.output<typeof needs>;
/** A step: the key of one check with one declaration or a list of them. */
export type StepDocument = Record<string, unknown>;
/** A test as written; under the name of each check one declaration or a list of them. */
export type TestDocument = z.output<typeof baseTest> & Record<string, unknown>;

/** The schemas of a test and of a list of steps in which exactly these checks can be used. */
export function testSchemas(checks: readonly CheckSchema[]): { test: z.ZodType; steps: z.ZodType } {
  const keys = checks.map((check) => [check.name, checkKey(check).optional()] as const);
  const stating = new Set(checks.filter((check) => !check.step).map((check) => check.name));
  const names = [...stating];
  const all = checks.map((check) => check.name);
  const step = z
    .strictObject({ ...Object.fromEntries(keys), milestone })
    .refine(
      ({ milestone: _, ...s }) => Object.keys(s).length === 1,
      `a step has one key, and milestone beside it: one of ${all.join(', ')}`,
    )
    .meta({ id: 'Step', minProperties: 1, maxProperties: 2 });
  const steps = z.array(step).min(1, 'an empty list of steps does nothing').max(10_000);
  const test = z
    .strictObject({
      ...testKeys,
      steps: steps
        .optional()
        .meta({ description: 'one after the other, each gathering anew; the first that fails ends the test' }),
      ...Object.fromEntries(keys.filter(([name]) => stating.has(name))),
    })
    .superRefine((value, context) => {
      const given = names.filter((key) => key in value);
      if (!('steps' in value)) {
        if (given.length === 0) context.addIssue(`asserts nothing: give at least one of ${names.join(', ')}, or steps`);
        return;
      }
      for (const key of given) {
        const message = 'a test has checks or steps, never both: make it a step';
        context.addIssue({ code: 'custom', path: [key], message });
      }
      if (value.eventually !== undefined) {
        const message = 'with steps it stands on a check, not on the test';
        context.addIssue({ code: 'custom', path: ['eventually'], message });
      }
    })
    .meta({ id: 'Test' });
  return { test, steps };
}

/** One declaration of a check or a list of them, none of which is empty. */
function checkKey(check: CheckSchema): z.ZodType {
  const { subject, bare, short } = check;
  const keys = Object.keys(check.schema.shape).filter((key) => key !== subject);
  const one = check.schema
    .extend(conditions)
    .superRefine((declaration, context) => {
      // What is misspelt or mistyped has been said; it is not missing as well.
      if (context.issues.length > 0) return;
      const own = Object.fromEntries(Object.entries(declaration).filter(([key]) => !conditionKeys.includes(key)));
      if (bare === undefined && !Object.keys(own).some((key) => key !== subject))
        context.addIssue(`asserts nothing${keys.length > 0 ? `: give at least one of ${keys.join(', ')}` : ''}`);
      const problem = check.contradiction?.(own as never);
      if (problem) context.addIssue({ code: 'custom', path: [...problem.path], message: problem.message });
    })
    .meta({
      id: `${check.name}Check`,
      description: check.description,
      minProperties: bare !== undefined ? (subject === undefined ? 0 : 1) : subject === undefined ? 1 : 2,
    });
  const list = z.array(one).min(1, 'an empty list asserts nothing');
  const error = `expected the keys of one ${check.name} check, or a list of such checks`;
  const value = short === undefined ? undefined : (check.schema.shape[short] as z.ZodType | undefined);
  if (short === undefined || value === undefined) return z.union([one, list], { error });
  return z.union([value.transform((plain) => ({ [short]: plain })), one, list]);
}

/** The schema of one test, as `testSchemas` has it. */
export function checksSchema(checks: readonly CheckSchema[]): z.ZodType {
  return testSchemas(checks).test;
}
