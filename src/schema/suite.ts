import { z } from 'zod';
import { machineSchema } from './machine.ts';
import { matrixSchema } from './matrix.ts';
import { duration, name } from './scalar.ts';

// A suite file (design §5). Which checks there are is said by the registry that is passed in.

/** What the suite schema needs to know of a kind of check. */
export interface CheckSchema {
  name: string;
  description: string;
  schema: z.ZodObject;
  subject?: string | undefined;
  bare?: string | undefined;
  contradiction?: ((declaration: never) => { path: readonly string[]; message: string } | undefined) | undefined;
}

const tag = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'expected a tag of lower-case letters, digits, ".", "_" and "-"');
const tags = z.array(tag).max(64);

const eventually = z
  .strictObject({
    within: duration.meta({ description: 'how long to ask again, before scaling' }),
    every: duration.optional().meta({ description: 'the pause between two questions; 1s where it is not given' }),
  })
  .meta({ id: 'Eventually', description: 'asks again until it holds' });

const testKeys = {
  name: z
    .string()
    .min(1)
    .max(200)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to refuse
    .regex(/^[^\u0000-\u001f\u007f]*$/, 'the name of a test is one line'),
  tags: tags.optional(),
  skip: z.string().min(1).optional().meta({ description: 'the reason why the test is not run' }),
  timeout: duration
    .optional()
    .meta({ description: 'deadline of the whole test before scaling; 2m where it is not given' }),
  eventually: eventually.optional().meta({ description: 'for every check of the test' }),
};

const suiteKeys = {
  version: z.literal(1).optional(),
  suite: name.meta({ description: 'the name of the suite' }),
  image: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'a recipe, a stored image or a file; "default" is that of gvm.yaml' }),
  machine: machineSchema.optional(),
  matrix: matrixSchema.optional().meta({ description: 'machine variants; an axis replaces that of gvm.yaml' }),
  isolation: z.enum(['file', 'shared']).default('file').meta({
    description: 'file: a guest for this file alone; shared: one guest for all such files of image and machine',
  }),
  tags: tags.optional(),
};

const baseTest = z.strictObject(testKeys);
const baseSuite = z.strictObject(suiteKeys);

/** A test as written; under the name of each check one declaration or a list of them. */
export type TestDocument = z.output<typeof baseTest> & Record<string, unknown>;
export type SuiteDocument = z.output<typeof baseSuite> & { tests: TestDocument[] };

/** The schema of suites in which exactly these checks can be used. */
export function suiteSchema(checks: readonly CheckSchema[]): z.ZodType<SuiteDocument> {
  const shape = Object.fromEntries(checks.map((check) => [check.name, checkKey(check).optional()]));
  const names = checks.map((check) => check.name);
  const test = z
    .strictObject({ ...testKeys, ...shape })
    .refine((t) => names.some((key) => key in t), `asserts nothing: give at least one of ${names.join(', ')}`)
    .meta({ id: 'Test' });
  return z
    .strictObject({ ...suiteKeys, tests: z.array(test).min(1, 'a suite without tests asserts nothing').max(10_000) })
    .superRefine((suite, context) => {
      const first = new Map<string, number>();
      for (const [i, { name }] of (suite.tests as TestDocument[]).entries()) {
        const before = first.get(name);
        if (before === undefined) first.set(name, i);
        else
          context.addIssue({
            code: 'custom',
            path: ['tests', i, 'name'],
            message: `test ${before + 1} has the same name`,
          });
      }
    })
    .meta({ title: 'gvm suite', description: 'what is expected of a booted image' }) as z.ZodType<SuiteDocument>;
}

/** One declaration of a check or a list of them, none of which is empty. */
function checkKey(check: CheckSchema): z.ZodType {
  const { subject, bare } = check;
  const keys = Object.keys(check.schema.shape).filter((key) => key !== subject);
  const common = { eventually: eventually.optional() };
  const one = check.schema
    .extend(common)
    .superRefine((declaration, context) => {
      // What is misspelt or mistyped has been said; it is not missing as well.
      if (context.issues.length > 0) return;
      const own = Object.fromEntries(Object.entries(declaration).filter(([key]) => !(key in common)));
      if (bare === undefined && !Object.keys(own).some((key) => key !== subject))
        context.addIssue(`asserts nothing${keys.length > 0 ? `: give at least one of ${keys.join(', ')}` : ''}`);
      const problem = check.contradiction?.(own as never);
      if (problem) context.addIssue({ code: 'custom', path: [...problem.path], message: problem.message });
    })
    .meta({
      id: `${check.name}Check`,
      description: check.description,
      minProperties: subject === undefined || bare !== undefined ? 1 : 2,
    });
  return z.union([one, z.array(one).min(1, 'an empty list asserts nothing')], {
    error: `expected the keys of one ${check.name} check, or a list of such checks`,
  });
}
